import { expect, test } from "vitest";
import { waitBeforeSignIn } from "./rate-limit.ts";

const now = new Date("2026-11-21T12:00:00Z");
const counts = { pair: 0, address: 0, account: 0, isFamiliar: false, lastAt: now };

test("the first five wrong passwords cost no waiting", () => {
  expect(waitBeforeSignIn({ ...counts, pair: 4 }, now)).toBe(0);
});

test("waiting grows with every further try and stays under five minutes", () => {
  expect(waitBeforeSignIn({ ...counts, pair: 5 }, now)).toBe(5);
  expect(waitBeforeSignIn({ ...counts, pair: 7 }, now)).toBe(20);
  expect(waitBeforeSignIn({ ...counts, pair: 50 }, now)).toBe(300);
});

test("the time since the last try counts towards the waiting", () => {
  expect(waitBeforeSignIn({ ...counts, pair: 5, lastAt: new Date(now.getTime() - 4_000) }, now)).toBe(1);
  expect(waitBeforeSignIn({ ...counts, pair: 5, lastAt: new Date(now.getTime() - 6_000) }, now)).toBe(0);
});

test("a stranger's guessing does not lock out an address from which the account signed in before", () => {
  expect(waitBeforeSignIn({ ...counts, account: 1_000, isFamiliar: true }, now)).toBe(0);
  expect(waitBeforeSignIn({ ...counts, account: 1_000, isFamiliar: false }, now)).toBeGreaterThan(0);
});

test("an address that tries many accounts has to wait for each", () => {
  expect(waitBeforeSignIn({ ...counts, address: 50 }, now)).toBeGreaterThan(0);
});
