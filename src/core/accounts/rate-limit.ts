import type { AttemptCounts } from "./attempt-store.ts";

/** How far back failures count, in milliseconds. */
export const attemptWindowMs = 5 * 60 * 1000;

const pairLimit = 5;
const addressLimit = 50;
const accountLimit = 30;

/**
 * How long someone has to wait before the next try to sign in, in seconds; 0 for not at all.
 * A stranger who guesses at an account is slowed down, but an address from which the account signed in before keeps its own
 * count: nobody can lock the administrator out from elsewhere.
 */
export function waitBeforeSignIn(counts: AttemptCounts, now: Date): number {
  const isOver = counts.pair >= pairLimit || (!counts.isFamiliar && (counts.address >= addressLimit || counts.account >= accountLimit));
  if (!isOver) return 0;
  const over = Math.max(counts.pair - pairLimit, 0);
  const delayMs = Math.min(attemptWindowMs, 5_000 * 2 ** over);
  const sinceMs = counts.lastAt === null ? 0 : now.getTime() - counts.lastAt.getTime();
  return Math.max(Math.ceil((delayMs - sinceMs) / 1000), 0);
}
