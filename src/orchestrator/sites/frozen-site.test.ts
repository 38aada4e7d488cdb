import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
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

describe("a frozen site whose engine is away", () => {
  it("tells its visitors so in words, stays frozen, and goes on for the next one when it is back", async () => {
    const { site, instance, engine } = await awaySite();
    for (const _visit of [1, 2]) await expect(site.wake(visitor)).rejects.toMatchObject({ code: "component_away" });
    expect([site.status.state, stage.runtime.started.length]).toEqual(["frozen", 1]);
    engine.isAway = false;
    expect((await site.wake(visitor)).instance).toBe(instance);
    expect(states()).toEqual(["starting", "running", "frozen", "running"]);
  });

  it("is put to sleep only when it really is, however often that is asked", async () => {
    const { site, instance, program, engine } = await awaySite();
    for (const _time of [1, 2]) await expect(site.sleep(instance, { onlyFrozen: true })).rejects.toMatchObject({ code: "component_away" });
    expect([site.status.state, program.isGone, site.current?.key]).toEqual(["frozen", false, instance]);
    engine.isAway = false;
    expect((await site.sleep(instance, { onlyFrozen: true })).state).toBe("asleep");
    expect(program.isGone).toBe(true);
  });

  it("goes on for a visitor who comes while it cannot be put to sleep", async () => {
    const { site, instance, program, engine } = await awaySite();
    const asked = gate();
    let asking = 0;
    engine.whenAsked = () => {
      asking += 1;
      return asked.promise;
    };
    const sleeping = site.sleep(instance);
    const woken = site.wake(visitor);
    await expect.poll(() => asking).toBe(2);
    engine.whenAsked = () => {
      engine.isAway = false;
    };
    asked.resolve();
    await expect(sleeping).rejects.toMatchObject({ code: "component_away" });
    expect([(await woken).instance, site.status.state, program.isFrozen]).toEqual([instance, "running", false]);
  });

  it("is restarted beside the one that cannot be ended, in whose place no third one starts", async () => {
    const { site, program, engine } = await awaySite();
    expect((await site.startInstance("op-1")).instance).toBe("op-1");
    await expect(site.retireInstances()).rejects.toMatchObject({ code: "component_away" });
    await expect(site.startInstance("op-2")).rejects.toMatchObject({ code: "component_away" });
    expect([site.status.state, (await site.wake(visitor)).instance, stage.runtime.started.length]).toEqual(["running", "op-1", 2]);
    engine.isAway = false;
    expect((await site.startInstance("op-2")).instance).toBe("op-2");
    expect(program.isGone).toBe(true);
  });

  it("is started anew, without a crash, when the engine ends it as it comes back", async () => {
    const { site, program } = await frozenSite();
    program.onThaw = async () => {
      program.exit({ code: null, signal: "SIGKILL" });
      await program.exited;
    };
    expect((await site.wake(visitor)).instance).toBe("wake-2");
    expect(states()).toEqual(["starting", "running", "frozen", "asleep", "starting", "running"]);
  });

  it("has ended when it ends while it cannot be stopped", async () => {
    const { site, program, engine } = await awaySite();
    engine.whenAsked = async () => {
      program.exit({ code: null, signal: "SIGKILL" });
      await program.exited;
    };
    expect((await site.sleep()).state).toBe("asleep");
    expect([site.current, (await site.wake(visitor)).instance]).toEqual([null, "wake-2"]);
  });

  async function awaySite() {
    const frozen = await frozenSite();
    const { program } = frozen;
    const engine = { isAway: true, whenAsked: (): Promise<void> | void => undefined };
    const ask = async (): Promise<void> => {
      await engine.whenAsked();
      if (engine.isAway) throw new Failure("component_away", { component: "Docker engine" });
    };
    const stop = program.stop.bind(program);
    program.onThaw = ask;
    program.stop = (graceMs) => ask().then(() => stop(graceMs));
    return { ...frozen, engine };
  }
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
