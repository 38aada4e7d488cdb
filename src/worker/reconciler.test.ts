import { afterEach, describe, expect, test, vi } from "vitest";
import { Failure } from "#contract/failure.ts";
import { listHeldSites } from "#contract/internal/orchestrator.ts";
import type { SiteOutline } from "#core/sites/site-store.ts";
import { silentLog } from "#kit/log.ts";
import { site } from "../../test/support/builders.ts";
import { node } from "../../test/support/node-builders.ts";
import { Reconciler, type ReconcilerDeps } from "./reconciler.ts";
import { rhythmOf } from "./reconciler-rhythm.ts";

test("comes every thirty seconds, every minute after two passes that found nothing, and never more rarely than it was told", () => {
  expect([0, 1, 2, 50].map(rhythmOf(30_000).restMs)).toEqual([30_000, 30_000, 60_000, 60_000]);
  expect([0, 2].map(rhythmOf(90_000).restMs)).toEqual([90_000, 90_000]);
  expect([0, 2].map(rhythmOf(1_000).restMs)).toEqual([1_000, 1_000]);
  expect([rhythmOf(30_000).sweepMs, rhythmOf(1_000).sweepMs]).toEqual([120_000, 0]);
});

test("a pass reads outlines only when something has changed on either side since one that found nothing to do", async () => {
  const outline: SiteOutline = { id: 1, revision: 4, lifecycle: "active", nodeId: null, placement: 0 };
  const world = { stamp: "a", outlines: [outline], held: [{ siteId: 1, revision: 4 }], passes: 0, reads: 0, taken: [] as string[] };
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

test("a site that cannot be applied, or hangs, holds up no other one, and is tried again ever more rarely", async () => {
  const ids = [1, 2, 3, 4];
  const world = { passes: 0, tries: [] as number[], applied: new Set<number>(), removed: [] as number[], doneIn: [] as number[] };
  const deps = {
    sites: {
      outlinesStamp: async () => `${++world.passes}`,
      outlinesAfter: async () => ids.map((id) => ({ id, revision: 4, lifecycle: "active", nodeId: null, placement: 0 })),
      byId: async (id: number) => {
        world.tries.push(id);
        if (id === 1) throw new Error("a row that cannot be read");
        return site({ id, revision: 4 });
      },
      environment: async () => null,
      versionAs: async () => 1,
      deletedAmong: async (strangers: readonly number[]) => strangers,
    },
    databases: { bySite: async () => null },
    images: { referenceFor: async () => null },
    orchestrator: {
      call: async (_: unknown, { params, signal }: { readonly params: { readonly siteId: number }; readonly signal: AbortSignal }) => {
        if (params.siteId === 2) await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        world.applied.add(params.siteId);
        world.doneIn.push(world.passes);
      },
    },
    fleet: {
      isSingle: true,
      client: {
        call: async (shape: { readonly id: string }, { params }: { readonly params?: { readonly siteId: number } }) => {
          const kept = [8, 9].filter((id) => !world.removed.includes(id));
          if (shape.id === listHeldSites.id) return { sites: [...world.applied, ...kept].map((siteId) => ({ siteId, revision: 4 })) };
          if (params?.siteId === 8) throw new Failure("machine_full");
          world.removed.push(params?.siteId ?? 0);
          world.doneIn.push(world.passes);
          return undefined;
        },
      },
      nodeOf: () => undefined,
    },
    ...{ sweep: async () => undefined, log: silentLog(), everyMs: 1, siteTimeoutMs: 50 },
  };
  // Of the many things that repairs take these are what is asked for here.
  const reconciler = new Reconciler(deps as unknown as ReconcilerDeps);
  reconciler.start();
  try {
    await expect.poll(() => [...world.applied], { timeout: 20_000 }).toEqual([3, 4]);
    await expect.poll(() => world.removed, { timeout: 20_000 }).toEqual([9]);
    expect(world.doneIn).toEqual([1, 1, 1]);
    const until = world.passes + 50;
    await expect.poll(() => world.passes, { timeout: 20_000, interval: 1 }).toBeGreaterThanOrEqual(until);
    expect(world.tries.filter((id) => id < 3)).toEqual([1, 2]);
  } finally {
    await reconciler.stop();
  }
});

test("when one site after the other fails since the database is away, the pass ends", async () => {
  const world = { passes: 0, tries: 0 };
  const deps = {
    sites: {
      outlinesStamp: async () => `${++world.passes}`,
      outlinesAfter: async () => [1, 2, 3].map((id) => ({ id, revision: 4, lifecycle: "active", nodeId: null, placement: 0 })),
      byId: async () => {
        world.tries += 1;
        throw new Failure("component_away", { component: "database" });
      },
      deletedAmong: async () => [],
    },
    fleet: { isSingle: true, client: { call: async () => ({ sites: [] }) }, nodeOf: () => undefined },
    ...{ sweep: async () => undefined, log: silentLog(), everyMs: 1 },
  };
  const reconciler = new Reconciler(deps as unknown as ReconcilerDeps);
  reconciler.start();
  await expect.poll(() => world.passes, { timeout: 20_000, interval: 1 }).toBeGreaterThan(5);
  await reconciler.stop();
  expect(world.tries).toBeGreaterThanOrEqual(world.passes - 1);
  expect(world.tries).toBeLessThanOrEqual(world.passes);
});

describe("as time goes by", () => {
  afterEach(() => vi.restoreAllMocks());

  /** Every pass is so much later than the one before. */
  function stageLater(stepMs: number) {
    const world = { passes: 0, now: 1_000_000 };
    vi.spyOn(performance, "now").mockImplementation(() => world.now);
    vi.spyOn(Date, "now").mockImplementation(() => world.now);
    const outlinesStamp = async (): Promise<string> => {
      world.now += stepMs;
      return `${++world.passes}`;
    };
    return { world, outlinesStamp };
  }
  const hang = (signal: AbortSignal | undefined) => new Promise<never>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));

  test("many sites that hang and are all due again keep no pass from those behind them", async () => {
    const { outlinesStamp } = stageLater(3_600_000);
    const tries = new Map<number, number>();
    const ids = [1, 2, 3, 4, 5, 6, 7, 8];
    const deps = {
      sites: {
        outlinesStamp,
        outlinesAfter: async (after: number) =>
          ids.filter((id) => id > after).map((id) => ({ id, revision: 4, lifecycle: "active", nodeId: null, placement: 0 })),
        byId: async (id: number) => site({ id, revision: 4 }),
        environment: async () => null,
        versionAs: async () => 1,
        deletedAmong: async () => [],
      },
      databases: { bySite: async () => null },
      images: { referenceFor: async () => null },
      orchestrator: {
        call: async (_: unknown, { params, signal }: { readonly params: { readonly siteId: number }; readonly signal: AbortSignal }) => {
          tries.set(params.siteId, (tries.get(params.siteId) ?? 0) + 1);
          if (params.siteId < 8) await hang(signal);
        },
      },
      fleet: { isSingle: true, client: { call: async () => ({ sites: [] }) }, nodeOf: () => undefined },
      ...{ sweep: async () => undefined, log: silentLog(), everyMs: 1, siteTimeoutMs: 60, passTimeoutMs: 150 },
    };
    const reconciler = new Reconciler(deps as unknown as ReconcilerDeps);
    reconciler.start();
    try {
      await expect.poll(() => tries.get(8) ?? 0, { timeout: 20_000 }).toBeGreaterThan(2);
      // Nor does it keep them from the first ones.
      expect(Math.min(...ids.map((id) => tries.get(id) ?? 0))).toBeGreaterThan(1);
    } finally {
      await reconciler.stop();
    }
  });

  test("an orchestrator that does not leave a site is told ever more rarely, although the site is as it should be at its own", async () => {
    const { world, outlinesStamp } = stageLater(61_000);
    const told: number[] = [];
    const clientOf = (id: string) => ({
      call: async (shape: { readonly id: string }, { signal }: { readonly signal?: AbortSignal }) => {
        if (shape.id === listHeldSites.id) return { sites: [{ siteId: 1, revision: 4 }] };
        if (id === "b") told.push(world.passes);
        return hang(signal);
      },
    });
    const nodes = [node({ id: "a", number: 1 }), node({ id: "b", number: 2 })];
    const deps = {
      sites: {
        outlinesStamp,
        outlinesAfter: async () => [{ id: 1, revision: 4, lifecycle: "active", nodeId: "a", placement: 2 }],
        deletedAmong: async () => [],
      },
      fleet: { ...{ isSingle: false, lostMs: 5_000, nodes, clientOf }, nodeOf: (id: string | null) => nodes.find((one) => one.id === id) },
      ...{ sweep: async () => undefined, log: silentLog(), everyMs: 1, siteTimeoutMs: 20 },
    };
    const reconciler = new Reconciler(deps as unknown as ReconcilerDeps);
    reconciler.start();
    try {
      await expect.poll(() => world.passes, { timeout: 20_000, interval: 1 }).toBeGreaterThan(40);
    } finally {
      await reconciler.stop();
    }
    // It would be every other pass.
    expect(told.slice(0, 3)).toEqual([2, 4, 6]);
    expect(told.filter((pass) => pass <= 40).length).toBeLessThan(12);
  });
});
