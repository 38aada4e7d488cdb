import { expect, test } from "vitest";
import type { SiteOutline } from "#core/sites/site-store.ts";
import { silentLog } from "#kit/log.ts";
import { Reconciler, type ReconcilerDeps } from "./reconciler.ts";
import { rhythmOf } from "./reconciler-rhythm.ts";

test("comes every thirty seconds, every minute after two passes that found nothing, and never more rarely than it was told", () => {
  expect([0, 1, 2, 50].map(rhythmOf(30_000).restMs)).toEqual([30_000, 30_000, 60_000, 60_000]);
  expect([0, 2].map(rhythmOf(90_000).restMs)).toEqual([90_000, 90_000]);
  expect([0, 2].map(rhythmOf(1_000).restMs)).toEqual([1_000, 1_000]);
  expect([rhythmOf(30_000).sweepMs, rhythmOf(1_000).sweepMs]).toEqual([120_000, 0]);
});

test("a pass reads outlines only when something has changed on either side since one that found nothing to do", async () => {
  const site: SiteOutline = { id: 1, revision: 4, lifecycle: "active", nodeId: null, placement: 0 };
  const world = { stamp: "a", outlines: [site], held: [{ siteId: 1, revision: 4 }], passes: 0, reads: 0, taken: [] as string[] };
  const deps = {
    sites: {
      outlinesStamp: async () => {
        world.passes += 1;
        return world.stamp;
      },
      outlinesAfter: async () => {
        world.reads += 1;
        return world.outlines;
      },
      byId: async () => null,
      deletedAmong: async () => [],
    },
    fleet: { isSingle: true, client: { call: async () => ({ sites: world.held }) }, nodeOf: () => undefined },
    ...{ sweep: async () => undefined, log: silentLog(), everyMs: 1 },
  };
  // Of the many things that repairs take none is asked for here.
  const reconciler = new Reconciler(deps as unknown as ReconcilerDeps);
  reconciler.start();
  const passes = async (count: number) => {
    const until = world.passes + count;
    await expect.poll(() => world.passes, { timeout: 20_000, interval: 1 }).toBeGreaterThanOrEqual(until);
  };
  try {
    await passes(20);
    expect(world.reads).toBe(1);
    world.stamp = "b";
    await passes(20);
    expect(world.reads).toBe(2);
    // Found anew each time until it is held again.
    world.held = [];
    await passes(20);
    expect(world.reads).toBeGreaterThan(10);
    world.held = [{ siteId: 1, revision: 4 }];
    await passes(3);
    const { reads } = world;
    await passes(20);
    expect(world.reads).toBe(reads);
    // Whoever holds what nobody knows is looked at again, too.
    world.held = [...world.held, { siteId: 9, revision: 1 }];
    await passes(20);
    expect(world.reads).toBeGreaterThan(reads + 10);
  } finally {
    await reconciler.stop();
  }
});
