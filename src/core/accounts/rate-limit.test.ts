import { describe, expect, test } from "vitest";
import type { AttemptCounts } from "./attempt-store.ts";
import { waitBeforeKey, waitBeforeSignIn } from "./rate-limit.ts";

const now = new Date("2026-11-21T12:00:00Z");
const ago = (ms: number): Date => new Date(now.getTime() - ms);
const none = { pair: null, address: null, account: null };

/** Counts as a store gives them: what never failed has no last failure. */
function counts(given: Partial<Omit<AttemptCounts, "lastAt">>, lastAt: Partial<AttemptCounts["lastAt"]>): AttemptCounts {
  return { pair: 0, address: 0, account: 0, isFamiliar: false, ...given, lastAt: { ...none, ...lastAt } };
}
const wait = (given: Partial<Omit<AttemptCounts, "lastAt">>, lastAt: Partial<AttemptCounts["lastAt"]>) => waitBeforeSignIn(counts(given, lastAt), now);

test("the first five wrong passwords cost no waiting", () => {
  expect(wait({ pair: 4 }, { pair: now })).toBe(0);
});

test("waiting grows with every further try and stays under five minutes", () => {
  expect(wait({ pair: 5 }, { pair: now })).toBe(5);
  expect(wait({ pair: 7 }, { pair: now })).toBe(20);
  expect(wait({ pair: 50 }, { pair: now })).toBe(300);
});

test("the time since the last try counts towards the waiting", () => {
  expect(wait({ pair: 5 }, { pair: ago(4_000) })).toBe(1);
  expect(wait({ pair: 5 }, { pair: ago(6_000) })).toBe(0);
});

describe("an address that never failed", () => {
  test("waits after fifty failures of its neighbours, until five seconds after the last one", () => {
    expect(wait({ address: 50 }, { address: now })).toBe(5);
    expect(wait({ address: 1_000 }, { address: ago(2_500) })).toBe(3);
    expect(wait({ address: 1_000 }, { address: ago(5_000) })).toBe(0);
  });

  test("waits while the account is guessed at from elsewhere, until five seconds after the last guess", () => {
    expect(wait({ account: 30 }, { account: now })).toBe(5);
    expect(wait({ account: 1_000 }, { account: ago(5_000) })).toBe(0);
  });
});

describe("an address from which the account signed in before", () => {
  test("does not wait for what strangers do elsewhere, or to other accounts", () => {
    expect(wait({ account: 1_000, address: 1_000, isFamiliar: true }, { account: now, address: now })).toBe(0);
  });

  test("waits three seconds at most, however often somebody there failed", () => {
    expect(wait({ pair: 4, isFamiliar: true }, { pair: now })).toBe(0);
    expect(wait({ pair: 5, isFamiliar: true }, { pair: now })).toBe(3);
    expect(wait({ pair: 1_000, isFamiliar: true }, { pair: now })).toBe(3);
  });
});

describe("keys that are not the account's", () => {
  const waitForKey = (given: Partial<Omit<AttemptCounts, "lastAt">>, lastAt: Partial<AttemptCounts["lastAt"]>) => waitBeforeKey(counts(given, lastAt), now);

  test("cost nothing as long as they are as many as an agent holds", () => {
    expect(waitForKey({ pair: 19, address: 199, account: 5_000 }, { pair: now, address: now, account: now })).toBe(0);
  });

  test("are looked at more and more slowly then, but never later than five minutes after the last one", () => {
    expect(waitForKey({ pair: 20 }, { pair: now })).toBe(5);
    expect(waitForKey({ pair: 22 }, { pair: ago(1_000) })).toBe(19);
    expect(waitForKey({ pair: 5_000 }, { pair: now })).toBe(300);
    expect(waitForKey({ pair: 22 }, { pair: ago(20_000) })).toBe(0);
    expect(waitForKey({ address: 200 }, { address: now })).toBe(5);
  });
});
