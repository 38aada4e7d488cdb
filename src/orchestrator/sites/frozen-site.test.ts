import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type SiteRunnerStage, siteRunnerStage, siteSpecOf } from "../../../test/support/site-runner-stage.ts";

const visitor = { isAsked: false };
let stage: SiteRunnerStage;

beforeEach(async () => {
  stage = await siteRunnerStage();
});
afterEach(() => stage[Symbol.asyncDispose]());

async function frozenSite() {
  const site = stage.runner();
  const { instance } = await site.wake(visitor);
  expect(await site.freeze(instance)).toBe(true);
  const program = stage.runtime.latest;
  return { site, instance, program };
}

const states = () => stage.statuses.map(({ state }) => state);
const gate = () => Promise.withResolvers<void>();

describe("a frozen site", () => {
  it("goes on with the next visitor, as the same instance at the same address", async () => {
    const { site, instance, program } = await frozenSite();
    expect([site.status.state, program.isFrozen]).toEqual(["frozen", true]);
    const all = await Promise.all(Array.from({ length: 50 }, () => site.wake(visitor)));
    expect(new Set(all.map((started) => started.instance))).toEqual(new Set([instance]));
    expect([site.status.state, program.isFrozen, stage.runtime.started.length]).toEqual(["running", false, 1]);
    expect(states()).toEqual(["starting", "running", "frozen", "running"]);
  });

  it("is frozen once, however often it is asked, and only as the instance that was meant", async () => {
    const { site, instance } = await frozenSite();
    expect(await site.freeze(instance)).toBe(true);
    expect(await site.freeze("another")).toBe(true);
    expect(states()).toEqual(["starting", "running", "frozen"]);
  });

  it("stops when it is put to sleep, and starts anew for the next visitor", async () => {
    const { site, instance, program } = await frozenSite();
    expect((await site.sleep(instance, { onlyFrozen: true })).state).toBe("asleep");
    expect([program.isGone, program.graceMs]).toEqual([true, 10]);
    expect((await site.wake(visitor)).instance).toBe("wake-2");
    expect((await site.sleep("wake-2", { onlyFrozen: true })).state).toBe("running");
  });

  it.each([
    ["not-served", "not-served"],
    ["disabled", "disabled"],
  ] as const)("ends when it becomes %s", async (availability, state) => {
    const { site, program } = await frozenSite();
    await site.apply(siteSpecOf({ availability, revision: 2 }));
    expect([site.status.state, program.isGone]).toEqual([state, true]);
    await expect(site.wake(visitor)).rejects.toMatchObject({ code: "site_not_served" });
  });

  it("keeps standing still when its specification changes otherwise", async () => {
    const { site, program } = await frozenSite();
    await site.apply(siteSpecOf({ revision: 2, environment: { A: "b" } }));
    expect([site.status.state, program.isFrozen, program.isGone]).toEqual(["frozen", true, false]);
  });

  it("ends when the site is deleted, and when the orchestrator stops", async () => {
    for (const why of ["site_being_deleted", "not_ready"] as const) {
      const { site, program } = await frozenSite();
      await site.end(why);
      expect(program.isGone).toBe(true);
    }
  });

  it("is restarted as one that runs: visitors meanwhile reach the one before, which goes on for them", async () => {
    const { site, instance, program } = await frozenSite();
    const listens = gate();
    stage.runtime.script = (next) => void listens.promise.then(() => next.listen());
    const restarted = site.startInstance("op-1");
    await expect.poll(() => stage.runtime.started.length).toBe(2);
    // What is being restarted does not rest.
    expect((await site.wake(visitor)).instance).toBe(instance);
    expect(program.isFrozen).toBe(false);
    expect(await site.freeze(instance)).toBe(false);
    listens.resolve();
    expect((await restarted).instance).toBe("op-1");
    await site.retireInstances();
    expect([program.isGone, site.status.state]).toEqual([true, "running"]);
  });

  it("stays frozen when a restart fails, and goes on for a restart that had succeeded before", async () => {
    const { site, instance, program } = await frozenSite();
    stage.runtime.script = (next) => next.exit({ code: 1 });
    await expect(site.startInstance("op-1")).rejects.toMatchObject({ code: "site_crashed" });
    expect([site.status.state, program.isFrozen]).toEqual(["frozen", true]);
    expect((await site.startInstance(instance)).instance).toBe(instance);
    expect([site.status.state, program.isFrozen]).toEqual(["running", false]);
  });

  it("is asleep when its program was ended meanwhile, as by the kernel for its memory: nobody waits for it", async () => {
    const { site, instance, program } = await frozenSite();
    program.exit({ code: null, signal: "SIGKILL", isOutOfMemory: true });
    await expect.poll(() => site.status.state).toBe("asleep");
    expect(stage.runtime.started).toHaveLength(1);
    await expect.poll(async () => (await stage.log.tail(10)).toString()).toMatch(/the frozen program .*memory/);
    expect((await site.wake(visitor)).instance).not.toBe(instance);
    expect(site.status.state).toBe("running");
  });

  it("is started anew when it cannot go on", async () => {
    const { site, program } = await frozenSite();
    program.onThaw = () => {
      throw new Error("the engine is away");
    };
    expect((await site.wake(visitor)).instance).toBe("wake-2");
    expect([program.isGone, site.status.state]).toEqual([true, "running"]);
  });
});

describe("freezing a site", () => {
  it("is taken back by a visitor who comes in the middle of it", async () => {
    const site = stage.runner();
    const { instance } = await site.wake(visitor);
    const stands = gate();
    const begun = gate();
    stage.runtime.latest.onFreeze = () => {
      begun.resolve();
      return stands.promise;
    };
    const frozen = site.freeze(instance);
    await begun.promise;
    const woken = site.wake(visitor);
    stands.resolve();
    expect([await frozen, (await woken).instance]).toEqual([false, instance]);
    expect([site.status.state, stage.runtime.latest.isFrozen]).toEqual(["running", false]);
    expect(states()).toEqual(["starting", "running"]);
  });

  it("that fails leaves the program running, and says so in the log", async () => {
    const site = stage.runner();
    const { instance } = await site.wake(visitor);
    stage.runtime.latest.onFreeze = () => {
      throw new Error("not everything stood still within 2000 ms");
    };
    expect([await site.freeze(instance), site.status.state]).toEqual([false, "running"]);
    await expect.poll(async () => (await stage.log.tail(10)).toString()).toContain("it could not be frozen and runs on: not everything stood still");
  });

  it("of a program that ends in the middle of it leaves the site asleep", async () => {
    const site = stage.runner();
    const { instance } = await site.wake(visitor);
    const program = stage.runtime.latest;
    program.onFreeze = () => program.exit({ code: 1 });
    await site.freeze(instance);
    await expect.poll(() => site.status.state).toBe("asleep");
  });

  it("and stopping at once ends stopped", async () => {
    const site = stage.runner();
    const { instance } = await site.wake(visitor);
    await Promise.all([site.freeze(instance), site.sleep(instance)]);
    expect([site.status.state, stage.runtime.running]).toEqual(["asleep", []]);
  });
});
