import type { Task } from "./task.ts";

/** Tasks that ended long ago. */
export interface TaskArchive {
  /** Tasks that ended before so many milliseconds, the oldest first. */
  endedLongAgo(request: { readonly olderThanMs: number; readonly limit: number }): Promise<readonly Pick<Task, "uid" | "attempt">[]>;
  /** Deletes them with everything that is kept of them; one that has not ended stays. */
  remove(uids: readonly string[]): Promise<void>;
  /** Deletes what counts no more: idempotency keys, and messages that have waited long for the broker while their tasks stopped waiting. */
  removeLeftovers(): Promise<void>;
}
