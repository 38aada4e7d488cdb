import { expect, test } from "vitest";
import { isIdle } from "./idle.ts";

const facts = { idleSeconds: 60, lastActiveAt: 0, inFlight: 0, isClosed: false, now: 60_000 };

test("a site is idle when nobody came for its idle time", () => {
  expect(isIdle(facts)).toBe(true);
  expect(isIdle({ ...facts, now: 59_999 })).toBe(false);
});

test.each([
  ["a site that never sleeps", { idleSeconds: null }],
  ["a site with a request, stream or WebSocket under way", { inFlight: 1 }],
  ["a site that is held or on its way to sleep", { isClosed: true }],
])("%s is not idle", (_, over) => {
  expect(isIdle({ ...facts, ...over })).toBe(false);
});
