import { afterEach, expect, test, vi } from "vitest";
import { silentLog } from "#kit/log.ts";
import { site } from "../../test/support/builders.ts";
import { letPass, setClock } from "../../test/support/set-clock.ts";
import { Reconciler, type ReconcilerDeps } from "./reconciler.ts";

afterEach(() => vi.restoreAllMocks());

const minute = 60_000;

/** A reconciler that finds the same site half made at each pass, and how often it has taken it up again. */
function startReconciler(updatedAt: Date) {
  const world = { passes: 0, taken: 0 };
  const half = site({ id: 1, lifecycle: "creating", updatedAt });
  const deps = {
    sites: {
      outlinesStamp: async () => `${++world.passes}`,
      outlinesAfter: async () => [{ id: 1, revision: 1, lifecycle: "creating", nodeId: null, placement: 0 }],
      byId: async () => half,
      starterOf: async () => null,
      deletedAmong: async () => [],
    },
    queue: { queueForReconciler: async () => ++world.taken },
    fleet: { isSingle: true, client: { call: async () => ({ sites: [] }) }, nodeOf: () => undefined },
    ...{ sweep: async () => undefined, log: silentLog(), everyMs: 1 },
  };
  // Of the many things that repairs take these are what is asked for here.
  const reconciler = new Reconciler(deps as unknown as ReconcilerDeps);
  reconciler.start();
  const passes = async (): Promise<number> => {
    const until = world.passes + 5;
    await expect.poll(() => world.passes, { timeout: 20_000, interval: 1 }).toBeGreaterThanOrEqual(until);
    return world.taken;
  };
  return { passes, [Symbol.asyncDispose]: () => reconciler.stop() };
}

test("a site that is half made is taken up again after a minute, though the machine's clock is behind or was set back", async () => {
  setClock(-60 * minute);
  await using reconciler = startReconciler(new Date(Date.now() + 60 * minute));
  expect(await reconciler.passes()).toBe(0);
  letPass(minute - 5_000);
  expect(await reconciler.passes()).toBe(0);
  letPass(minute + 5_000);
  expect(await reconciler.passes()).toBe(1);
  setClock(-600 * minute);
  letPass(3 * minute + 10_000);
  expect(await reconciler.passes()).toBe(2);
});

test("one that has been half made for long is taken up again at once, and then ever more rarely, though the machine's clock is set forward", async () => {
  await using reconciler = startReconciler(new Date(Date.now() - 2 * minute));
  expect(await reconciler.passes()).toBe(1);
  setClock(600 * minute);
  expect(await reconciler.passes()).toBe(1);
  letPass(2 * minute + 5_000);
  expect(await reconciler.passes()).toBe(2);
  letPass(5 * minute);
  expect(await reconciler.passes()).toBe(2);
  letPass(6 * minute + 10_000);
  expect(await reconciler.passes()).toBe(3);
});
