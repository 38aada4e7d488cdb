import type { TaskState } from "#contract/task.ts";

/** A message that waits to be published: it says that there is work, and by whom it was caused. */
export interface OutboxMessage {
  readonly id: number;
  readonly uid: string;
  /** How often it was taken, this time included. */
  readonly attempts: number;
}

/**
 * Messages that were written together with their tasks and that the broker has not confirmed. One that was taken is not given to anybody
 * else for a while, and comes again when nothing was heard of it: it may be published twice, and is never forgotten.
 */
export interface TaskOutbox {
  take(request: { readonly limit: number; readonly leaseMs: number }): Promise<readonly OutboxMessage[]>;
  /** The broker has them. */
  remove(ids: readonly number[]): Promise<void>;
  /** The broker did not take them. */
  putBack(ids: readonly number[], afterMs: number): Promise<void>;
  /** Tasks that have been due for so long without anybody claiming them, and of which no message waits here; the most urgent first. */
  overdue(request: { readonly olderThanMs: number; readonly limit: number }): Promise<readonly string[]>;
  /** How many wait for the broker. */
  size(): Promise<number>;
  /** Null for a task that is not known. */
  stateOf(uid: string): Promise<TaskState | null>;
}
