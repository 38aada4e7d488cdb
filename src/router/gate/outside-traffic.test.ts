import { expect, test } from "vitest";
import { OutsideTraffic } from "./outside-traffic.ts";
import type { SiteEdge } from "./site-edge.ts";

const never = new Promise<never>(() => undefined);

function trafficOf(edge: Partial<SiteEdge>): OutsideTraffic {
  const quiet: SiteEdge = {
    open: () => undefined,
    close: async () => undefined,
    settled: async () => undefined,
    count: async () => undefined,
    underWay: () => 0,
  };
  return new OutsideTraffic(8, { ...quiet, ...edge });
}

test("nothing is under way when nobody is sent there and that was counted", async () => {
  expect(await trafficOf({}).drained(20_000, () => 0)).toBe(0);
});

test("what is left is told when the time is over, and no sooner than it is nothing", async () => {
  expect(await trafficOf({}).drained(30, () => 3)).toBe(3);
  let left = 2;
  const counting = trafficOf({
    count: async () => {
      left -= 1;
    },
  });
  expect(await counting.drained(20_000, () => left)).toBe(0);
});

test("what was counted before is no proof: a balancer that does not answer in time, or says no, may have something under way", async () => {
  for (const edge of [
    { count: () => never },
    { settled: () => never },
    {
      count: async () => {
        throw new Error("HAProxy did not answer in time");
      },
    },
  ] satisfies Partial<SiteEdge>[]) {
    expect(await trafficOf(edge).drained(30, () => 0)).toBe(1);
  }
});
