import { expect, it } from "vitest";
import { claimHoldsSeconds } from "#contract/internal/site-rest.ts";
import { anyInstance, RouterClaims } from "./router-claims.ts";

function scene() {
  const time = { now: 1_000_000 };
  return { time, claims: new RouterClaims({ now: () => time.now, isSteady: true }) };
}

it("an instance is claimed as long as one router sends visitors there", () => {
  const { claims } = scene();
  claims.add("a", 7, "one");
  claims.add("b", 7, "one");
  claims.release("a", 7);
  expect([claims.isClaimed(7, "one"), claims.isClaimed(7, "two"), claims.isClaimed(8, "one"), claims.isClaimed(7, undefined)]).toEqual([
    true,
    false,
    false,
    true,
  ]);
  claims.release("b", 7);
  expect(claims.isClaimed(7, undefined)).toBe(false);
});

it("a router that is about to be given the site claims whatever that will be", () => {
  const { claims } = scene();
  claims.add("a", 7, anyInstance);
  expect(claims.isClaimed(7, "one")).toBe(true);
});

it("a list replaces what a router claimed before, but for what it was given while the list was under way", () => {
  const { claims, time } = scene();
  claims.add("a", 7, "one");
  time.now += 10_000;
  claims.add("a", 8, "one");
  claims.replace("a", [[9, "one"]]);
  expect([7, 8, 9].map((siteId) => claims.isClaimed(siteId, "one"))).toEqual([false, true, true]);
});

it("a router that was not heard of for a minute sends nothing any more; one that renews its claims does", () => {
  const { claims, time } = scene();
  claims.add("dead", 7, "one");
  claims.add("alive", 8, "one");
  for (let second = 0; second <= claimHoldsSeconds; second += 15) {
    time.now += 15_000;
    claims.replace("alive", [[8, "one"]]);
  }
  expect([claims.isClaimed(7, "one"), claims.isClaimed(8, "one")]).toEqual([false, true]);
});
