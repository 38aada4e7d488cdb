/** How a program ended, or that it never listened; what two ends must share to count as the same. */
export type EndCause =
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: string }
  | { readonly kind: "memory"; readonly memoryBytes: number }
  | { readonly kind: "silent"; readonly seconds: number };

/** One end that nobody asked for. */
export interface Crash {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly ranMs: number;
  readonly cause: EndCause;
  /** What the program printed last, when it said anything. */
  readonly lastLine: string | null;
}

/** The crashes since the program last ran well, and since somebody last asked for the site. */
export interface CrashHistory {
  readonly crashes: readonly Crash[];
  readonly sinceVisit: number;
  /** No start by itself or by a visitor before this time. */
  readonly retryAt: number;
}

/** When to try again. */
export interface BackOffPolicy {
  /** One after the other; the last one stays. */
  readonly delaysMs: readonly number[];
  /** A program that ran this long starts with a clean slate. */
  readonly wellAfterMs: number;
  /** After so many crashes that no visitor saw, the site waits for the next one. */
  readonly unseenCrashes: number;
}

export const defaultBackOff: BackOffPolicy = { delaysMs: [200, 1_000, 5_000, 30_000, 300_000], wellAfterMs: 60_000, unseenCrashes: 5 };

export const noCrashes: CrashHistory = { crashes: [], sinceVisit: 0, retryAt: 0 };

/** More are never told apart in a reason, and the delay has long stopped growing. */
const keptCrashes = 20;

/** What follows from a crash: the new history, and how long to wait before a start without a visitor; null to wait for one. */
export function afterCrash(
  history: CrashHistory,
  crash: Crash,
  policy: BackOffPolicy,
): { readonly history: CrashHistory; readonly restartInMs: number | null } {
  const before = crash.ranMs >= policy.wellAfterMs ? noCrashes : history;
  const crashes = [...before.crashes, crash].slice(-keptCrashes);
  const delayMs = policy.delaysMs[Math.min(crashes.length, policy.delaysMs.length) - 1] ?? 0;
  const sinceVisit = before.sinceVisit + 1;
  // A program that never listens costs its whole boot time on every try, so only a visitor is worth another one.
  const mayRestart = crash.cause.kind !== "silent" && sinceVisit < policy.unseenCrashes;
  return { history: { crashes, sinceVisit, retryAt: crash.at + delayMs }, restartInMs: mayRestart ? delayMs : null };
}

/** Somebody asked for the site: restarts without visitors are counted anew. */
export function afterVisit(history: CrashHistory): CrashHistory {
  return history.sinceVisit === 0 ? history : { ...history, sinceVisit: 0 };
}
