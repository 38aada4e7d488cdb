/** How often signing in failed lately, from three points of view. */
export interface AttemptCounts {
  /** This account from this address. */
  readonly pair: number;
  /** Any account from this address. */
  readonly address: number;
  /** This account from any address. */
  readonly account: number;
  /** Whether this account signed in from this address within the last 30 days. */
  readonly isFamiliar: boolean;
  /** When the latest failure of each was, if any: waiting is counted from there, so that it ends. */
  readonly lastAt: { readonly pair: Date | null; readonly address: Date | null; readonly account: Date | null };
}

/** What became of a try that was to be noted: it was if there is nothing to wait for. */
export interface NotedTry {
  /** Before it. */
  readonly counts: AttemptCounts;
  readonly waitSeconds: number;
}

/** Tries to sign in, for the rate limit. User names are kept as they were typed, lower case; an address may stand for a known device. */
export interface AttemptStore {
  count(username: string, address: string, since: Date): Promise<AttemptCounts>;
  /**
   * Counts, and notes one more failure unless `judge` says by the counts how many seconds it has to wait. Nobody else's is noted in
   * between, whichever manager they ask: it comes before the password is looked at, and is taken back by its success.
   */
  noteTry(
    who: { readonly username: string; readonly address: string },
    how: { readonly since: Date; readonly at: Date; readonly judge: (counts: AttemptCounts) => number },
  ): Promise<NotedTry>;
  recordFailure(username: string, address: string, at: Date): Promise<void>;
  /** Remembers the address as familiar and forgets the pair's failures. */
  recordSuccess(username: string, address: string, at: Date): Promise<void>;
  deleteOlderThan(at: Date): Promise<number>;
}
