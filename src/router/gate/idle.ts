/** What decides whether a site may rest. */
export interface IdleFacts {
  /** Null: never. */
  readonly idleSeconds: number | null;
  /** It may be frozen after this long without a visitor; 0: not at all. */
  readonly freezeMs: number;
  /** When a visitor last came or was served, in milliseconds. */
  readonly lastActiveAt: number;
  /** Requests, streams and WebSockets under way. */
  readonly inFlight: number;
  /** Someone holds the site, or it is on its way to rest already. */
  readonly isClosed: boolean;
  readonly now: number;
}

/** What a site does that nobody visits: frozen, it goes to sleep after so many seconds more. */
export type Rest = { readonly kind: "none" } | { readonly kind: "freeze"; readonly sleepAfterSeconds: number } | { readonly kind: "sleep" };

/** Whether a site that is awake has been idle for long enough to be frozen, or to go to sleep. Pure. */
export function restOf(facts: IdleFacts): Rest {
  if (facts.idleSeconds === null || facts.isClosed || facts.inFlight > 0) return { kind: "none" };
  const idleMs = facts.now - facts.lastActiveAt;
  const leftMs = facts.idleSeconds * 1000 - idleMs;
  if (leftMs <= 0) return { kind: "sleep" };
  if (facts.freezeMs > 0 && idleMs >= facts.freezeMs) return { kind: "freeze", sleepAfterSeconds: Math.ceil(leftMs / 1000) };
  return { kind: "none" };
}
