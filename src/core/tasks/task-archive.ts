/** Tasks that ended long ago. */
export interface TaskArchive {
  /** Uids of tasks that ended before so many milliseconds, the oldest first. */
  endedLongAgo(request: { readonly olderThanMs: number; readonly limit: number }): Promise<readonly string[]>;
  /** Deletes them with everything that is kept of them; one that has not ended stays. */
  remove(uids: readonly string[]): Promise<void>;
  /** Deletes idempotency keys that count no more. */
  removeOldKeys(): Promise<void>;
}
