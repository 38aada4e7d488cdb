import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { silentLog } from "#kit/log.ts";
import { type SiteRunnerStage, siteRunnerStage } from "../../../test/support/site-runner-stage.ts";
import { RouterClaims } from "./router-claims.ts";
import { SiteRests, type SiteRestsDeps } from "./site-rests.ts";
import type { SiteRunner } from "./site-runner.ts";

const visitor = { isAsked: false };
const megabyte = 1_000_000;
let stage: SiteRunnerStage;
let runners: Map<number, SiteRunner>;
let rests: SiteRests | null;
const time = { now: 0 };

beforeEach(async () => {
  stage = await siteRunnerStage();
  runners = new Map();
  rests = null;
  time.now = 1_000_000;
});
afterEach(async () => {
  await rests?.close();
  await stage[Symbol.asyncDispose]();
});

function open(over: Partial<SiteRestsDeps> = {}) {
  const clock = { now: () => time.now, isSteady: true } as const;
  const opened = new SiteRests({
    claims: new RouterClaims(clock),
    runnerOf: (siteId) => runners.get(siteId),
    memoryLimitOf: () => 100 * megabyte,
    freezes: () => true,
    frozenBytes: 1_000 * megabyte,
    isMemoryShort: () => false,
    clock,
    log: silentLog(),
    // Looked at when the test says so.
    everyMs: 60_000,
    ...over,
  });
  rests = opened;
  return opened;
}

/** A site that these routers have woken. */
async function awake(opened: SiteRests, siteId: number, ...routers: readonly string[]) {
  const site = stage.runner({ siteId });
  runners.set(siteId, site);
  for (const router of routers) await opened.wake(siteId, router, () => site.wake(visitor));
  return { site, program: stage.runtime.latest };
}

const letGo = (router: string, sleepAfterSeconds = 540) => ({ instance: "wake-1", router, sleepAfterSeconds });

describe("a site that one router has let go", () => {
  it("is frozen, and stopped when it has rested for as long as it may", async () => {
    const opened = open();
    const { site } = await awake(opened, 7, "a");
    expect(await opened.freeze(7, letGo("a"))).toBe("rests");
    expect([site.status.state, opened.totals()]).toEqual(["frozen", { sites: 1, memoryBytes: 10 * megabyte }]);
    time.now += 539_000;
    await opened.look();
    expect(site.status.state).toBe("frozen");
    time.now += 1_000;
    await opened.look();
    expect([site.status.state, opened.totals().sites]).toEqual(["asleep", 0]);
  });

  it("goes on for the next visitor, and is not stopped then", async () => {
    const opened = open();
    const { site } = await awake(opened, 7, "a");
    await opened.freeze(7, letGo("a", 10));
    await opened.wake(7, "a", () => site.wake(visitor));
    time.now += 3_600_000;
    await opened.look();
    expect([site.status.state, opened.totals().sites]).toEqual(["running", 0]);
  });

  it("is left alone until the last of several routers has let it go", async () => {
    const opened = open();
    const { site } = await awake(opened, 7, "a", "b", "c");
    expect([await opened.freeze(7, letGo("a")), await opened.freeze(7, letGo("c"))]).toEqual(["shared", "shared"]);
    expect((await opened.sleep(7, { instance: "wake-1", router: "c" }))?.state).toBe("running");
    expect(await opened.freeze(7, letGo("b"))).toBe("rests");
    expect(site.status.state).toBe("frozen");
  });

  it("rests for as long as the router says that let it go last", async () => {
    const opened = open();
    const { site } = await awake(opened, 7, "a", "b");
    expect(await opened.freeze(7, letGo("a", 10))).toBe("shared");
    time.now += 5_000;
    expect(await opened.freeze(7, letGo("b"))).toBe("rests");
    time.now += 6_000;
    await opened.look();
    expect([site.status.state, opened.totals().sites]).toEqual(["frozen", 1]);
  });

  it("is not stopped by what one wanted long ago while another one tries to freeze it", async () => {
    const opened = open();
    const { site, program } = await awake(opened, 7, "a", "b");
    await opened.freeze(7, letGo("a", 10));
    time.now += 11_000;
    const standing = Promise.withResolvers<void>();
    program.onFreeze = () => standing.promise;
    const freezing = opened.freeze(7, letGo("b"));
    const looking = opened.look();
    standing.resolve();
    expect(await freezing).toBe("rests");
    await looking;
    expect(site.status.state).toBe("frozen");
  });

  it("rests anew from the latest visit when the router of that visit has died", async () => {
    const opened = open();
    const { site } = await awake(opened, 7, "a", "b");
    await opened.freeze(7, letGo("a", 100));
    time.now += 50_000;
    await opened.wake(7, "b", () => site.wake(visitor));
    time.now += 61_000;
    await opened.look();
    expect(site.status.state).toBe("frozen");
    time.now += 39_000;
    await opened.look();
    expect(site.status.state).toBe("asleep");
  });

  it.each([
    ["frozen", (opened: SiteRests) => opened.freeze(7, letGo("a"))],
    ["asleep", (opened: SiteRests) => opened.sleep(7, { instance: "wake-1", router: "a" })],
  ] as const)("is %s although another router had it that has died since", async (state, rest) => {
    const opened = open();
    const { site } = await awake(opened, 7, "a", "dead");
    await rest(opened);
    expect(site.status.state).toBe("running");
    time.now += 61_000;
    await opened.look();
    expect(site.status.state).toBe(state);
  });

  it("is not frozen while another router wakes it", async () => {
    const opened = open();
    const { site } = await awake(opened, 7, "a");
    const answer = Promise.withResolvers<void>();
    const waking = opened.wake(7, "b", () => answer.promise.then(() => site.wake(visitor)));
    expect(await opened.freeze(7, letGo("a"))).toBe("shared");
    answer.resolve();
    await waking;
    expect(site.status.state).toBe("running");
  });

  it("is put to sleep later when that fails, as while the engine of its container is away", async () => {
    const opened = open();
    const { site, program } = await awake(opened, 7, "a");
    await opened.freeze(7, letGo("a"));
    const stop = program.stop.bind(program);
    program.stop = () => Promise.reject(new Failure("component_away", { component: "Docker engine" }));
    time.now += 541_000;
    await opened.look();
    expect([site.status.state, opened.totals().sites]).toEqual(["frozen", 1]);
    program.stop = stop;
    await opened.look();
    expect([site.status.state, opened.totals().sites]).toEqual(["asleep", 0]);
  });

  it("runs on where the runtime cannot freeze, until it is put to sleep", async () => {
    const opened = open({ freezes: () => false });
    const { site, program } = await awake(opened, 7, "a");
    expect([await opened.freeze(7, letGo("a")), site.status.state, program.isFrozen]).toEqual(["runs", "running", false]);
    expect((await opened.sleep(7, { instance: "wake-1", router: "a" }))?.state).toBe("asleep");
  });

  it("belongs to its router again when it cannot be frozen just now", async () => {
    const opened = open();
    const { site, program } = await awake(opened, 7, "a", "b");
    program.onFreeze = () => {
      throw new Error("not everything stood still");
    };
    expect(await opened.freeze(7, letGo("b"))).toBe("shared");
    expect(await opened.freeze(7, letGo("a"))).toBe("runs");
    expect((await opened.sleep(7, { instance: "wake-1", router: "b" }))?.state).toBe("running");
    expect(site.status.state).toBe("running");
  });
});

describe("what frozen programs hold in memory", () => {
  it("stays within its bounds: those that rest longest are stopped", async () => {
    const opened = open({ frozenBytes: 25 * megabyte });
    for (const siteId of [1, 2, 3, 4]) {
      await awake(opened, siteId, "a");
      await opened.freeze(siteId, letGo("a"));
      await opened.look();
    }
    expect([1, 2, 3, 4].map((siteId) => runners.get(siteId)?.status.state)).toEqual(["asleep", "asleep", "frozen", "frozen"]);
    expect(opened.totals()).toEqual({ sites: 2, memoryBytes: 20 * megabyte });
  });

  it("counts as the site's limit where it cannot be measured, and a site that is larger than all of it is not kept", async () => {
    const opened = open({ frozenBytes: 99 * megabyte });
    const { site, program } = await awake(opened, 7, "a");
    program.memory = null;
    await opened.freeze(7, letGo("a"));
    await opened.look();
    expect(site.status.state).toBe("asleep");
  });

  it("is given back a few at a time while the machine is short of it", async () => {
    let isShort = false;
    const opened = open({ isMemoryShort: () => isShort });
    const all = Array.from({ length: 12 }, (_, index) => index + 1);
    for (const siteId of all) {
      await awake(opened, siteId, "a");
      await opened.freeze(siteId, letGo("a"));
    }
    isShort = true;
    await opened.look();
    expect(all.filter((siteId) => runners.get(siteId)?.status.state === "frozen")).toEqual([9, 10, 11, 12]);
    isShort = false;
    await opened.look();
    expect(opened.totals().sites).toBe(4);
  });
});

it("a router hears which of its instances rest or are gone, and of no site that is held elsewhere", async () => {
  const opened = open();
  await awake(opened, 1, "a");
  await awake(opened, 2, "a");
  await awake(opened, 3, "a");
  await opened.freeze(2, letGo("a"));
  await runners.get(3)?.sleep();
  const instances: [number, string][] = [1, 2, 3, 4].map((siteId) => [siteId, "wake-1"]);
  expect(opened.claim("b", instances)).toEqual([
    [2, "wake-1"],
    [3, "wake-1"],
  ]);
  // What it has lost it does not claim.
  await runners.get(2)?.wake(visitor);
  expect([await opened.freeze(1, letGo("a")), await opened.freeze(2, letGo("a"))]).toEqual(["shared", "rests"]);
});
