import type { AttemptCounts } from "./attempt-store.ts";

/** How far back failures count, in milliseconds. */
export const attemptWindowMs = 5 * 60 * 1000;

const pairLimit = 5;
const addressLimit = 50;
const accountLimit = 30;
const firstWaitMs = 5_000;
/** At an address from which the account signed in before: enough to slow down guessing, too little to keep its owner out. */
const mostFamiliarWaitMs = 3_000;

/** Agents offer all the keys that they hold, at every connection: so many that fit nobody are nothing to speak of. */
const keyPairLimit = 20;
const keyAddressLimit = 200;

/**
 * How long to wait before another key that is not the account's is looked at, in seconds. Such keys are counted apart from passwords, since
 * nobody guesses a key: a right one is never delayed, and wrong ones delay nothing else.
 */
export function waitBeforeKey({ pair, address, lastAt }: AttemptCounts, now: Date): number {
  const waits = [
    pair >= keyPairLimit ? leftMs(lastAt.pair, Math.min(attemptWindowMs, firstWaitMs * 2 ** (pair - keyPairLimit)), now) : 0,
    address >= keyAddressLimit ? leftMs(lastAt.address, firstWaitMs, now) : 0,
  ];
  return Math.ceil(Math.max(...waits) / 1000);
}

/**
 * How long someone has to wait before the next try to sign in, in seconds; 0 for not at all. Every wait counts from the latest failure
 * that it is for, and so ends.
 * A stranger who guesses at an account is slowed down more and more. An address from which the account signed in before has a count of
 * its own and waits seconds only: neither strangers elsewhere nor those behind the same address lock its owner out.
 */
export function waitBeforeSignIn(counts: AttemptCounts, now: Date): number {
  const { pair, address, account, isFamiliar, lastAt } = counts;
  const pairMs = Math.min(isFamiliar ? mostFamiliarWaitMs : attemptWindowMs, firstWaitMs * 2 ** Math.max(pair - pairLimit, 0));
  const waits = [
    pair >= pairLimit ? leftMs(lastAt.pair, pairMs, now) : 0,
    !isFamiliar && address >= addressLimit ? leftMs(lastAt.address, firstWaitMs, now) : 0,
    !isFamiliar && account >= accountLimit ? leftMs(lastAt.account, firstWaitMs, now) : 0,
  ];
  return Math.ceil(Math.max(...waits) / 1000);
}

function leftMs(since: Date | null, delayMs: number, now: Date): number {
  return since === null ? 0 : Math.max(since.getTime() + delayMs - now.getTime(), 0);
}
