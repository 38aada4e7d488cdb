import { expect, test } from "vitest";
import { restOf } from "./idle.ts";

const facts = { idleSeconds: 600, freezeMs: 60_000, lastActiveAt: 0, inFlight: 0, isClosed: false, now: 60_000 };

test("a site that nobody visits is frozen first, and told how long it may rest; then it sleeps", () => {
  expect(restOf({ ...facts, now: 59_999 })).toEqual({ kind: "none" });
  expect(restOf(facts)).toEqual({ kind: "freeze", sleepAfterSeconds: 540 });
  expect(restOf({ ...facts, now: 599_999 })).toEqual({ kind: "freeze", sleepAfterSeconds: 1 });
  expect(restOf({ ...facts, now: 600_000 })).toEqual({ kind: "sleep" });
});

test("a site that sleeps sooner than it would be frozen, and one that is not to be frozen, just sleep", () => {
  expect(restOf({ ...facts, idleSeconds: 30 })).toEqual({ kind: "sleep" });
  expect(restOf({ ...facts, freezeMs: 0, now: 599_999 })).toEqual({ kind: "none" });
  expect(restOf({ ...facts, freezeMs: 0, now: 600_000 })).toEqual({ kind: "sleep" });
});

test.each([
  ["a site that never sleeps", { idleSeconds: null }],
  ["a site with a request, stream or WebSocket under way", { inFlight: 1 }],
  ["a site that is held or on its way to rest", { isClosed: true }],
])("%s does not rest", (_, over) => {
  expect(restOf({ ...facts, now: 600_000, ...over })).toEqual({ kind: "none" });
});
