import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import { quickBackOff, type SiteRunnerStage, siteRunnerStage, siteSpecOf } from "../../../test/support/site-runner-stage.ts";
import type { BackOffPolicy } from "./back-off.ts";
import type { SiteRunner } from "./site-runner.ts";

const backOff = quickBackOff;
const patient: BackOffPolicy = { ...backOff, delaysMs: [60_000] };
const visitor = { isAsked: false };
/** The machine may be ten times slower than now. */
const poll = { timeout: 30_000, interval: 5 };
let stage: SiteRunnerStage;
let folder: string;
let runtime: SiteRunnerStage["runtime"];
let statuses: SiteRunnerStage["statuses"];

beforeEach(async () => {
  stage = await siteRunnerStage();
  ({ folder, runtime, statuses } = stage);
});
afterEach(() => stage[Symbol.asyncDispose]());

const spec = siteSpecOf;
const runner = (given: Partial<SiteSpec> = {}, policy = backOff): SiteRunner => stage.runner(given, policy);

const crashing = (program: { print: (text: string, stream: "stderr") => void; exit: () => void }): void => {
  program.print("boom\n", "stderr");
  program.exit();
};

describe("waking a site", () => {
  it("starts it once for two hundred who ask at once", async () => {
    const site = runner();
    const all = await Promise.all(Array.from({ length: 200 }, () => site.wake(visitor)));
    expect(runtime.started).toHaveLength(1);
    expect(new Set(all.map(({ instance }) => instance))).toEqual(new Set(["wake-1"]));
    expect(all[0]).toEqual({ address: { host: "127.0.0.1", port: 30_000 }, instance: "wake-1", bootMs: expect.any(Number) });
    expect(statuses.map(({ state }) => state)).toEqual(["starting", "running"]);
    expect((await site.wake(visitor)).instance).toBe("wake-1");
  });

  it.each(["run.sh", "private/run.sh", "public/run.sh"] as const)("finds %s", async (place) => {
    await rm(join(folder, "run.sh"));
    for (const name of ["private", "public"]) await mkdir(join(folder, name));
    await writeFile(join(folder, place), "");
    await runner().wake(visitor);
    expect(runtime.latest.request.runFile).toBe(place);
  });

  it("says what is missing without run.sh, and looks again at the next wake", async () => {
    const site = runner();
    await rm(join(folder, "run.sh"));
    await expect(site.wake(visitor)).rejects.toMatchObject({ code: "run_file_missing" });
    await expect(site.wake(visitor)).rejects.toMatchObject({ code: "run_file_missing" });
    expect(statuses).toEqual([{ state: "stopped", reason: expect.stringContaining("no run.sh"), since: expect.any(String) }]);
    await writeFile(join(folder, "run.sh"), "");
    await site.wake(visitor);
    expect(site.status.state).toBe("running");
  });

  it("passes on that the machine refuses, and tries again at the next wake", async () => {
    const site = runner();
    runtime.refusal = new Failure("isolation_missing", { missing: ["bubblewrap is not installed"] });
    await expect(site.wake(visitor)).rejects.toMatchObject({ code: "isolation_missing" });
    expect(site.status).toMatchObject({ state: "stopped", reason: expect.stringContaining("bubblewrap") });
    runtime.refusal = null;
    await site.wake(visitor);
    expect(site.status.state).toBe("running");
  });

  it("stops a program that does not listen, says where it does, and does not start it again by itself", async () => {
    runtime.script = (program) => {
      program.elsewhere = ["127.0.0.1:5000"];
    };
    const site = runner();
    await expect(site.wake(visitor)).rejects.toThrow("Nothing listens on $PORT after 0.2 s: run.sh must listen on $HOST:$PORT (it listens on 127.0.0.1:5000).");
    expect(site.status).toMatchObject({ state: "crashed", reason: expect.stringContaining("nothing listens on $PORT after 0.2 s") });
    expect(runtime.running).toEqual([]);
    stage.timers.pass(60_000);
    expect(runtime.started).toHaveLength(1);
  });

  it("waits for a program that has closed its port, and gives up on one that never opens it again", async () => {
    const site = runner();
    await site.wake(visitor);
    runtime.latest.isListening = false;
    const waiting = site.wake(visitor);
    setImmediate(() => runtime.latest.listen());
    expect((await waiting).instance).toBe("wake-1");

    runtime.latest.isListening = false;
    await expect(site.wake(visitor)).rejects.toMatchObject({ code: "site_not_listening" });
    expect(site.status.state).toBe("crashed");
    expect(runtime.running).toEqual([]);
  });

  it("hears how a program ended that is asked for while its end is not told yet", async () => {
    const site = runner();
    await site.wake(visitor);
    const program = runtime.latest;
    program.isGone = true;
    const waiting = site.wake(visitor);
    // It gives back first what it had.
    setImmediate(() => program.exit({ code: 3 }));
    await expect(waiting).rejects.toMatchObject({ code: "site_crashed", message: expect.stringContaining("exited 3") });
  });

  it("is refused for a static site", async () => {
    const site = runner({ kind: "static" });
    expect(site.status.state).toBe("running");
    await expect(site.wake(visitor)).rejects.toMatchObject({ code: "site_static" });
    expect(runtime.started).toEqual([]);
  });
});

describe("a program that ends by itself", () => {
  it("is started again after a while, with the reason in plain words", async () => {
    const site = runner();
    await site.wake(visitor);
    runtime.script = crashing;
    crashing(runtime.latest);
    for (const crashes of [1, 2]) {
      await expect.poll(() => [site.status.state, runtime.started.length], poll).toEqual(["crashed", crashes]);
      stage.timers.pass(40);
    }
    await expect.poll(() => site.status.reason, poll).toMatch(/^exited 1 three times in \d+ s; last line: boom$/);
    runtime.script = (program) => program.listen();
    expect(runtime.started).toHaveLength(3);
    expect(statuses.map(({ state }) => state)).toEqual(["starting", "running", "crashed", "starting", "crashed", "starting", "crashed"]);
  });

  it("tells those who wait for its start at once", async () => {
    runtime.script = crashing;
    const site = runner();
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => site.wake(visitor)));
    expect(new Set(all.map((each) => each.status === "rejected" && String(each.reason.message)))).toEqual(
      new Set(["The site's program ended: exited 1; last line: boom"]),
    );
    expect(runtime.started).toHaveLength(1);
  });

  it("comes back under its key, so that whoever was given it can put it to sleep", async () => {
    const site = runner();
    const { instance } = await site.wake(visitor);
    runtime.latest.exit();
    await expect.poll(() => site.status.state, poll).toBe("crashed");
    stage.timers.pass(20);
    await expect.poll(() => [site.status.state, runtime.started.length], poll).toEqual(["running", 2]);
    expect(runtime.latest.instance).toBe(instance);
    stage.timers.pass(60_000);
    expect([site.status.state, await site.freeze("another")]).toEqual(["running", true]);
    expect((await site.sleep(instance)).state).toBe("asleep");
  });

  it("goes to sleep by itself when it came back and nobody has ever been given its key", async () => {
    const site = runner();
    runtime.script = (program) => (runtime.started.length === 1 ? program.exit() : program.listen());
    await expect(site.wake(visitor)).rejects.toMatchObject({ code: "site_crashed" });
    stage.timers.pass(20);
    await expect.poll(() => site.status.state, poll).toBe("running");
    // Once it runs, its time begins.
    const later = (): string => {
      stage.timers.pass(100);
      return site.status.state;
    };
    await expect.poll(later, poll).toBe("asleep");
    expect(runtime.running).toEqual([]);
  });

  it("comes back when what starts it was away for a while", async () => {
    const site = runner();
    await site.wake(visitor);
    runtime.refusal = new Failure("component_away", { component: "Docker engine" });
    runtime.latest.exit();
    await expect.poll(() => site.status.state, poll).toBe("crashed");
    stage.timers.pass(20);
    await expect.poll(() => site.status, poll).toMatchObject({ state: "stopped", reason: "The Docker engine does not answer. Try again in a few seconds." });
    runtime.refusal = null;
    stage.timers.pass(5_000);
    await expect.poll(() => [site.status.state, runtime.started.length], poll).toEqual(["running", 2]);
  });

  it("stays asleep when it is put to sleep while it backs off", async () => {
    const site = runner();
    const { instance } = await site.wake(visitor);
    runtime.latest.exit();
    await expect.poll(() => site.status.state, poll).toBe("crashed");
    expect((await site.sleep(instance)).state).toBe("asleep");
    stage.timers.pass(60_000);
    // Whatever had been started by that would be stopped by this, after it.
    expect([(await site.sleep()).state, runtime.started.length]).toEqual(["asleep", 1]);
  });

  it("answers visitors at once while it backs off, but tries for a person who asks", async () => {
    runtime.script = crashing;
    const site = runner({}, patient);
    await expect(site.wake(visitor)).rejects.toMatchObject({ code: "site_crashed" });
    await expect(site.wake(visitor)).rejects.toMatchObject({ code: "site_crashed", details: { reason: "exited 1; last line: boom" } });
    expect(runtime.started).toHaveLength(1);
    runtime.script = (program) => program.listen();
    await site.wake({ isAsked: true });
    expect(site.status).toMatchObject({ state: "running", reason: null });
  });

  it("waits for the next visitor after some crashes that nobody saw", async () => {
    runtime.script = crashing;
    const site = runner({}, { delaysMs: [1], wellAfterMs: 60_000, unseenCrashes: 3 });
    await expect(site.wake(visitor)).rejects.toMatchObject({ code: "site_crashed" });
    for (const crashes of [1, 2, 3]) {
      await expect.poll(() => [site.status.state, runtime.started.length], poll).toEqual(["crashed", crashes]);
      stage.timers.pass(60_000);
    }
    expect([site.status.state, runtime.started.length]).toEqual(["crashed", 3]);
    runtime.script = (program) => program.listen();
    // It backs off for a millisecond still.
    await expect.poll(() => site.wake(visitor).then(() => site.status.state), poll).toBe("running");
  });

  it.each([
    [{ code: 0 }, "run.sh ended: it must keep running"],
    [{ signal: "SIGSEGV" }, "was ended by SIGSEGV"],
    [{ signal: "SIGKILL", isOutOfMemory: true }, "used more than its 100 MB of memory"],
  ])("says why: %j", async (exit, reason) => {
    const site = runner({}, patient);
    await site.wake(visitor);
    runtime.latest.exit(exit);
    await expect.poll(() => site.status, poll).toMatchObject({ state: "crashed", reason });
  });
});

describe("a site that sleeps", () => {
  it("has no program, and wakes with a new one", async () => {
    const site = runner();
    await site.wake(visitor);
    expect(await site.sleep()).toMatchObject({ state: "asleep", reason: null });
    expect(runtime.running).toEqual([]);
    expect((await site.wake(visitor)).instance).toBe("wake-2");
    expect(statuses.map(({ state }) => state)).toEqual(["starting", "running", "stopping", "asleep", "starting", "running"]);
  });

  it("stays awake when the instance that should sleep is no longer the current one", async () => {
    const site = runner();
    await site.wake(visitor);
    expect((await site.sleep("wake-0")).state).toBe("running");
    expect((await site.sleep("wake-1")).state).toBe("asleep");
    expect((await site.sleep("wake-1")).state).toBe("asleep");
  });

  it("is woken by whoever comes while it goes to sleep", async () => {
    const site = runner();
    await site.wake(visitor);
    const [, started] = await Promise.all([site.sleep(), site.wake(visitor)]);
    expect(site.status.state).toBe("running");
    expect(runtime.running.map(({ instance }) => instance)).toEqual([started.instance]);
  });
});

describe("a restart", () => {
  it("runs two instances until the first is retired", async () => {
    const site = runner();
    await site.wake(visitor);
    expect((await site.startInstance("op-1")).instance).toBe("op-1");
    expect(runtime.running.map(({ instance }) => instance)).toEqual(["wake-1", "op-1"]);
    expect((await site.wake(visitor)).instance).toBe("op-1");
    await site.retireInstances();
    await site.retireInstances();
    expect(runtime.running.map(({ instance }) => instance)).toEqual(["op-1"]);
    expect(statuses.map(({ state }) => state)).toEqual(["starting", "running"]);
  });

  it("gives the same answer for the same key", async () => {
    const site = runner();
    const [first, second] = await Promise.all([site.startInstance("op-1"), site.startInstance("op-1")]);
    expect(second).toEqual(first);
    expect(await site.startInstance("op-1")).toEqual(first);
    expect(runtime.started).toHaveLength(1);
  });

  it("stops the first before the second starts when the site cannot run twice", async () => {
    const site = runner({ canRunTwice: false });
    await site.wake(visitor);
    await site.startInstance("op-1");
    expect(runtime.most).toBe(1);
    expect(runtime.running.map(({ instance }) => instance)).toEqual(["op-1"]);
  });

  it("leaves the first alone when the second fails", async () => {
    const site = runner();
    await site.wake(visitor);
    runtime.script = crashing;
    await expect(site.startInstance("op-1")).rejects.toMatchObject({ code: "site_crashed" });
    expect(site.status).toMatchObject({ state: "running", reason: null });
    expect((await site.wake(visitor)).instance).toBe("wake-1");
  });

  it("never runs more than two at once, whatever earlier ones have left", async () => {
    const site = runner();
    for (const key of ["op-1", "op-2", "op-3", "op-4"]) await site.startInstance(key);
    expect(runtime.most).toBe(2);
    expect((await site.wake(visitor)).instance).toBe("op-4");
  });

  it("tries although the site backs off", async () => {
    runtime.script = crashing;
    const site = runner({}, patient);
    await expect(site.wake(visitor)).rejects.toMatchObject({ code: "site_crashed" });
    runtime.script = (program) => program.listen();
    await site.startInstance("op-1");
    expect(site.status).toMatchObject({ state: "running", reason: null });
  });
});

describe("a site that may not run", () => {
  it.each(["not-served", "disabled"] as const)("is stopped and not woken when it becomes %s", async (availability) => {
    const site = runner();
    await site.wake(visitor);
    await site.apply(spec({ availability }));
    expect(runtime.running).toEqual([]);
    expect(site.status).toMatchObject({ state: availability, reason: null });
    await expect(site.wake(visitor)).rejects.toMatchObject({ code: "site_not_served" });
    await site.apply(spec());
    expect(site.status.state).toBe("asleep");
    await site.wake(visitor);
    expect(site.status.state).toBe("running");
  });

  it("lets nobody wait for a start that is not wanted any more", async () => {
    runtime.script = () => undefined;
    const site = runner();
    const waiting = site.wake(visitor);
    await expect.poll(() => runtime.started.length, poll).toBe(1);
    const applied = site.apply(spec({ availability: "not-served" }));
    await expect(waiting).rejects.toMatchObject({ code: "site_not_served" });
    await applied;
    expect(runtime.running).toEqual([]);
  });

  it("runs nothing and starts nothing once it has ended", async () => {
    const site = runner();
    await site.wake(visitor);
    await site.end("site_being_deleted");
    expect(runtime.running).toEqual([]);
    await expect(site.wake(visitor)).rejects.toMatchObject({ code: "site_being_deleted" });
    await expect(site.startInstance("op-1")).rejects.toMatchObject({ code: "site_being_deleted" });
  });
});

describe("a site that is full", () => {
  it("is stopped with the reason, refuses to start, and starts again once there is room", async () => {
    const site = runner();
    await site.wake(visitor);
    const full = new Failure("quota_exceeded", { detail: "it has 9 files" });
    stage.full = full;
    await site.stopBecause(full);
    expect(runtime.running).toEqual([]);
    expect(site.status).toMatchObject({ state: "stopped", reason: full.message });
    await expect(site.wake(visitor)).rejects.toBe(full);
    stage.full = null;
    await site.wake(visitor);
    expect(site.status).toMatchObject({ state: "running", reason: null });
  });

  it("is stopped while it starts, and whoever waits for that hears why", async () => {
    runtime.script = () => undefined;
    const site = runner();
    const waiting = site.wake(visitor);
    await expect.poll(() => runtime.started.length, poll).toBe(1);
    const full = new Failure("quota_exceeded", { detail: "it has 9 files" });
    const stopping = site.stopBecause(full);
    await expect(waiting).rejects.toBe(full);
    await stopping;
    expect([runtime.running, site.status.state, site.status.reason]).toEqual([[], "stopped", full.message]);
  });
});

describe("whether a site's program may write", () => {
  it("is so while it starts, runs or is being stopped, and not while it rests", async () => {
    runtime.script = () => undefined;
    const site = runner();
    const seen = [site.isActive];
    const waking = site.wake(visitor);
    await expect.poll(() => runtime.started.length, poll).toBe(1);
    seen.push(site.isActive);
    runtime.latest.listen();
    const { instance } = await waking;
    seen.push(site.isActive);
    await site.freeze(instance);
    seen.push(site.isActive);
    const sleeping = site.sleep(instance);
    seen.push(site.isActive);
    await sleeping;
    expect([...seen, site.isActive]).toEqual([false, true, true, false, true, false]);
  });
});
