/** What decides whether a site goes to sleep. */
export interface IdleFacts {
  /** Null: never. */
  readonly idleSeconds: number | null;
  /** When a visitor last came or was served, in milliseconds. */
  readonly lastActiveAt: number;
  /** Requests, streams and WebSockets under way. */
  readonly inFlight: number;
  /** Someone holds the site, or it is on its way to sleep already. */
  readonly isClosed: boolean;
  readonly now: number;
}

/** Whether a site that is awake has been idle for long enough to go to sleep. Pure. */
export function isIdle(facts: IdleFacts): boolean {
  if (facts.idleSeconds === null || facts.isClosed || facts.inFlight > 0) return false;
  return facts.now - facts.lastActiveAt >= facts.idleSeconds * 1000;
}
