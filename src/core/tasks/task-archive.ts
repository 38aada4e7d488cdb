import type { Task } from "./task.ts";

/** A task that ended long ago. */
export interface OldTask extends Pick<Task, "uid" | "attempt"> {
  /** When it ended, as the archive writes it: its place among the others. */
  readonly endedAt: string;
}

/** Tasks that ended long ago. */
export interface TaskArchive {
  /** Tasks that ended before so many milliseconds, the oldest first: all of them, or those behind one. */
  endedLongAgo(request: { readonly olderThanMs: number; readonly limit: number; readonly behind: OldTask | null }): Promise<readonly OldTask[]>;
  /** Deletes them with everything that is kept of them; one that has not ended stays. */
  remove(uids: readonly string[]): Promise<void>;
  /** Deletes what counts no more: idempotency keys, and messages that have waited long for the broker while their tasks stopped waiting. */
  removeLeftovers(): Promise<void>;
}
