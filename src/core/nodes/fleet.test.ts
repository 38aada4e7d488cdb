import { expect, test } from "vitest";
import type { CallInput } from "#contract/client.ts";
import { Failure } from "#contract/failure.ts";
import { readNode } from "#contract/internal/nodes.ts";
import { listHeldSites, wakeSite } from "#contract/internal/orchestrator.ts";
import { awaitRun, forgetRun } from "#contract/internal/runs.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import { silentLog } from "#kit/log.ts";
import { node, nodeReport } from "../../../test/support/node-builders.ts";
import { Fleet, type FleetDeps } from "./fleet.ts";
import type { Node, NodeBeat } from "./node.ts";
import type { Placement } from "./node-store.ts";

const [urlA, urlB] = ["http://a:1", "http://b:2"];

/** Orchestrators a and b; what each was asked, and a table of sites and runs. */
function stage(changes: Partial<FleetDeps> = {}, nodes: readonly Node[] = [node({ id: "a", number: 1, url: urlA }), node({ id: "b", number: 2, url: urlB })]) {
  const asked: string[] = [];
  const beats: NodeBeat[] = [];
  const placements = new Map<number, Placement>([
    [1, { nodeId: null, number: 0 }],
    [2, { nodeId: "b", number: 3 }],
  ]);
  const runs = new Map<string, string>([["run-b", "b"]]);
  let now = 100_000;
  const clientAt = (url: string): ComponentClient => {
    const call = async (shape: { readonly id: string }, input: CallInput): Promise<never> => {
      if (shape.id === readNode.id) return nodeReport({ id: url === urlA ? "a" : "b" }) as never;
      asked.push(`${shape.id} ${url}`);
      if (input.params?.siteId === 2 && url === urlA) throw new Failure("site_not_found");
      return undefined as never;
    };
    const client = { call, fetch: call } as unknown as ComponentClient;
    return { ...client, on: () => client };
  };
  const fleet = new Fleet({
    urls: [urlA, urlB],
    link: { audience: "orchestrator", caller: "worker", signer: { sign: async () => "" } },
    connect: ({ baseUrl }) => clientAt(baseUrl),
    nodes: {
      beat: async (all) => void beats.push(...all),
      all: async () => nodes,
      setDrained: async () => null,
      remove: async () => undefined,
      removeSilent: async () => undefined,
    },
    placements: {
      ofSite: async (siteId) => placements.get(siteId) ?? null,
      counts: async () =>
        new Map([
          [null, 4],
          ["b", 2],
        ]),
      onNode: async () => [],
      move: async () => true,
      ofRun: async ({ uid }) => runs.get(uid) ?? null,
      placesOfRun: async (uid) =>
        uid === "run-both"
          ? [
              { nodeId: "a", attempt: 1 },
              { nodeId: "b", attempt: 2 },
            ]
          : [],
      placeRun: async ({ uid }, nodeId) => void runs.set(uid, nodeId),
      forgetRun: async () => undefined,
    },
    others: () => [],
    clock: { now: () => now, isSteady: true },
    log: silentLog(),
    beatMs: 1_000,
    lostMs: 5_000,
    asksTheOnlyOne: true,
    ...changes,
  });
  const later = (ms: number): void => {
    now += ms;
  };
  return { fleet, asked, beats, placements, runs, later };
}

test("a single address gets every call, whatever was placed where", async () => {
  const { fleet, asked } = stage({ urls: [urlA] });
  await fleet.client.call(listHeldSites, {});
  await expect(fleet.client.call(wakeSite, { params: { siteId: 2 } })).rejects.toMatchObject({ code: "site_not_found" });
  expect(asked).toEqual([`site.list ${urlA}`, `site.wake ${urlA}`]);
  expect(await fleet.placeNew()).toBeNull();
  expect(fleet.addresses()).toEqual({});
});

test("of a single one it asks only where that is its part, and tells of itself all the same", async () => {
  const own: NodeBeat = { id: "worker-1", kind: "worker", host: "h", url: null, version: "1", report: null };
  const [asking, telling] = [stage({ urls: [urlA], others: () => [own] }), stage({ urls: [urlA], others: () => [own], asksTheOnlyOne: false })];
  await asking.fleet.beat();
  await telling.fleet.beat();
  expect(asking.beats.map(({ id }) => id)).toEqual(["a", "worker-1"]);
  expect(telling.beats.map(({ id }) => id)).toEqual(["worker-1"]);
  expect([asking.fleet.nodes.length, telling.fleet.nodes.length]).toEqual([2, 0]);
});

test("one that does not answer keeps nobody else's heartbeat back", async () => {
  const silent = Promise.withResolvers<never>();
  const { fleet, beats } = stage({
    connect: ({ baseUrl }) => {
      const call = () => (baseUrl === urlB ? silent.promise : Promise.resolve(nodeReport({ id: "a" })));
      return { call, fetch: call, on: () => ({ call, fetch: call }) } as unknown as ComponentClient;
    },
  });
  const round = fleet.beat();
  await expect.poll(() => beats.map(({ id }) => id)).toEqual(["a"]);
  silent.reject(new Error("away"));
  await round;
  expect(beats).toHaveLength(1);
});

test("a call of one that is lost without a word ends then, and goes through again when it is back", async () => {
  const nodes = [node({ id: "a", number: 1, url: urlA }), node({ id: "b", number: 2, url: urlB, silentMs: 0 })];
  const signals: (AbortSignal | undefined)[] = [];
  const { fleet, later } = stage(
    {
      connect: ({ baseUrl }) => {
        const call = (shape: { readonly id: string }, { signal }: CallInput) => {
          if (shape.id === readNode.id) return Promise.resolve(nodeReport({ id: baseUrl === urlA ? "a" : "b" }));
          signals.push(signal);
          signal?.throwIfAborted();
          return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
        };
        return { call, fetch: call, on: () => ({ call, fetch: call }) } as unknown as ComponentClient;
      },
    },
    nodes,
  );
  await fleet.beat();
  const own = new AbortController();
  const waiting = [
    fleet.client.call(wakeSite, { params: { siteId: 2 } }),
    fleet.client.on({}).fetch(wakeSite, { params: { siteId: 2 }, signal: own.signal }),
    fleet.client.call(wakeSite, { params: { siteId: 1 } }),
  ].map((each) => each.then(String, (error: Failure) => error.code));
  await expect.poll(() => signals.length).toBe(3);
  later(60_000);
  nodes[1] = node({ id: "b", number: 2, url: urlB, silentMs: 6_000 });
  await fleet.beat();
  expect(await Promise.all(waiting.slice(0, 2))).toEqual(["component_away", "component_away"]);
  expect([own.signal.aborted, signals[2]?.aborted]).toEqual([false, false]);
  await expect(fleet.client.call(wakeSite, { params: { siteId: 2 } })).rejects.toMatchObject({ code: "component_away" });
  nodes[1] = node({ id: "b", number: 2, url: urlB, silentMs: 10 });
  await fleet.beat();
  void fleet.client.call(wakeSite, { params: { siteId: 2 } }).catch(() => undefined);
  await expect.poll(() => signals.at(-1)?.aborted).toBe(false);
});

test("two that say they are the same are noted once", async () => {
  const { fleet, beats } = stage({ urls: [urlA, "http://c:3", "http://d:4"] });
  await fleet.beat();
  expect(beats.map(({ id, url }) => `${id} ${url}`)).toEqual([`a ${urlA}`, "b http://c:3"]);
});

test("a call goes where its site or its run is; what was never placed is the first one's", async () => {
  const { fleet, asked, beats } = stage();
  await fleet.beat();
  await fleet.client.call(wakeSite, { params: { siteId: 1 } });
  await fleet.client.on({}).call(wakeSite, { params: { siteId: 2 } });
  await fleet.client.call(awaitRun, { params: { uid: "run-b" } });
  await fleet.client.call(awaitRun, { params: { uid: "unknown" } });
  expect(asked).toEqual([`site.wake ${urlA}`, `site.wake ${urlB}`, `run.await ${urlB}`, `run.await ${urlA}`]);
  expect(beats.map(({ id, url }) => `${id} ${url}`)).toEqual([`a ${urlA}`, `b ${urlB}`]);
  expect(fleet.addresses()).toEqual({ a: urlA, b: urlB });
  expect((await fleet.linkOf(2)).baseUrl).toBe(urlB);
});

test("one that does not know a site has given it away: that passes", async () => {
  const { fleet, placements } = stage();
  await fleet.beat();
  placements.set(2, { nodeId: "a", number: 4 });
  await expect(fleet.client.call(wakeSite, { params: { siteId: 2 } })).rejects.toMatchObject({ code: "site_moved" });
});

test("new sites go where the fewest are, and a run to its site's orchestrator before it is asked", async () => {
  const { fleet, runs } = stage();
  await fleet.beat();
  expect((await fleet.candidates()).map(({ node: { id }, sites }) => `${id} ${sites}`)).toEqual(["a 4", "b 2"]);
  expect(await fleet.placeNew()).toBe("b");
  await fleet.placeRun({ uid: "new", attempt: 1, siteId: 2 });
  await fleet.placeRun({ uid: "home", attempt: 1, siteId: null });
  expect([runs.get("new"), runs.get("home")]).toEqual(["b", "a"]);
});

test("a process that has only just begun to ask calls nobody lost", async () => {
  const silent = [node({ id: "a", number: 1, url: urlA, silentMs: 60_000 }), node({ id: "b", number: 2, url: urlB })];
  const { fleet, later } = stage({}, silent);
  await fleet.beat();
  expect(fleet.nodeOf(null)?.silentMs).toBe(0);
  later(6_000);
  await fleet.beat();
  expect(fleet.nodeOf(null)?.silentMs).toBe(6_000);
  // The home folder is on the storage that the other has, too.
  await fleet.placeRun({ uid: "home", attempt: 1, siteId: null });
  expect(await fleet.placeNew()).toBe("b");
});

test("whoever was given an attempt of a run holds it, and where nobody is noted the first one does", async () => {
  const { fleet, asked } = stage();
  await fleet.beat();
  const ask = async (uid: string) => {
    const holders = await fleet.holdersOfRun(uid);
    for (const { client } of holders) await client.call(forgetRun, { params: { uid } });
    return holders.map(({ attempt }) => attempt);
  };
  expect([await ask("run-both"), await ask("unknown")]).toEqual([[1, 2], [null]]);
  expect(asked).toEqual([`run.forget ${urlA}`, `run.forget ${urlB}`, `run.forget ${urlA}`]);
});
