import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { applySite, removeSite } from "#contract/internal/orchestrator.ts";
import { forgetRun } from "#contract/internal/runs.ts";
import { defaultSiteLimits } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import { defaultRunLimits } from "#contract/task.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import { StartLost } from "#orchestrator/runtime/run.ts";
import { clientOf, makeOrchestratorHome, type OrchestratorHome, specOf, startOrchestratorUnderTest } from "../../../test/support/orchestrator-under-test.ts";
import { RunClient } from "../../../test/support/run-client.ts";
import type { ScriptedRun } from "../../../test/support/scripted-runtime.ts";

async function open(environment: Readonly<Record<string, string>> = {}, script: (run: ScriptedRun) => void = () => undefined) {
  const home = await makeOrchestratorHome(environment);
  const orchestrator = await startOrchestratorUnderTest(home);
  orchestrator.runtime.runScript = script;
  const runs = new RunClient(clientOf(home, orchestrator.url, "worker"));
  let isOpen = true;
  const stop = async () => {
    if (isOpen) await orchestrator[Symbol.asyncDispose]();
    isOpen = false;
  };
  const { runtime, client } = orchestrator;
  const worker = clientOf(home, orchestrator.url, "worker");
  const closing = () => stop().then(() => home[Symbol.asyncDispose]());
  return { home, runs, worker, runtime, client, stop, restart: () => startOrchestratorUnderTest(home), [Symbol.asyncDispose]: closing };
}

async function siteWithJob(world: { readonly home: OrchestratorHome; readonly client: ComponentClient }, siteId: number, given: Partial<SiteSpec> = {}) {
  const spec = specOf(siteId, given);
  await world.client.call(applySite, { params: { siteId }, body: spec });
  await mkdir(join(world.home.folderOf(siteId), "private/scripts"));
  await writeFile(join(world.home.folderOf(siteId), "private/scripts/job.sh"), "#!/bin/sh\n", { mode: 0o755 });
  return spec;
}

const ls = { script: "ls.sh" };

it("starts a run once for two hundred requests at the same time", async () => {
  await using world = await open();
  const uid = randomUUID();
  const views = await Promise.all(Array.from({ length: 200 }, () => world.runs.start(ls, uid)));
  expect(world.runtime.runs).toHaveLength(1);
  expect(new Set(views.map((view) => view.startedAt)).size).toBe(1);
});

it("gives the same run again after its end", async () => {
  await using world = await open({}, (run) => void run.print("für\n").then(() => run.exit({ code: 4 })));
  const ended = await world.runs.finish(ls);
  expect(ended).toMatchObject({ state: "ended", end: "exited", code: 4, cpuMs: 5, peakMemoryBytes: 1_000_000, stdoutBytes: 5, isOutputCut: false });
  expect(await world.runs.start(ls, ended.uid)).toEqual(ended);
  expect(world.runtime.runs).toHaveLength(1);
});

it("ends an older attempt before a newer one starts, keeps its output aside, and refuses older ones from then on", async () => {
  await using world = await open({}, (run) => void run.print(`attempt ${run.request.environment.TASK_ATTEMPT}\n`));
  const uid = randomUUID();
  await world.runs.start(ls, uid);
  await world.runs.start({ ...ls, attempt: 2 }, uid);
  const [first] = world.runtime.runs;
  expect([first?.isGone, first?.graces]).toEqual([true, [2000]]);
  await expect(world.runs.start(ls, uid)).rejects.toMatchObject({ code: "run_superseded" });
  expect(await world.runs.cancel(uid, { attempt: 1 })).toMatchObject({ attempt: 2, state: "running" });
  expect(await world.runs.cancel(uid, { attempt: 2 })).toMatchObject({ attempt: 2, end: "cancelled", signal: "SIGTERM" });
  const logs = join(world.home.data, "logs/tasks");
  expect(await readFile(join(logs, `${uid}_stdout.1.log`), "utf8")).toBe("attempt 1\n");
  expect(await readFile(join(logs, `${uid}_stdout.log`), "utf8")).toBe("attempt 2\n");
  await world.worker.call(forgetRun, { params: { uid } });
  await world.worker.call(forgetRun, { params: { uid } });
  expect(await readdir(logs)).toEqual([]);
  await expect(world.runs.wait(uid, 0)).rejects.toMatchObject({ code: "run_not_found" });
});

it("ends a run by itself when its time is over, while no worker looks", async () => {
  await using world = await open();
  const { uid } = await world.runs.start({ ...ls, limits: { ...defaultRunLimits, timeoutMs: 100 } });
  expect(await world.runs.wait(uid)).toMatchObject({ end: "timed-out", signal: "SIGTERM", message: "It took longer than its 0.1 seconds." });
  expect(world.runtime.runs[0]?.graces).toEqual([5000]);
});

it("calls an end what the first who asked for it called it, and leaves one that had come by itself", async () => {
  await using world = await open();
  const { uid } = await world.runs.start(ls);
  const run = world.runtime.runs[0];
  if (run === undefined) throw new Error("nothing was started");
  const asked = Promise.withResolvers<void>();
  run.onEnd = () => asked.resolve();
  const firstEnd = world.runs.cancel(uid, { end: "timed-out" });
  await asked.promise;
  const secondEnd = world.runs.cancel(uid);
  run.exit({ code: 0 });
  const [first, second] = await Promise.all([firstEnd, secondEnd]);
  expect([first.end, second.end, first.code]).toEqual(["timed-out", "timed-out", 0]);
  const other = await world.runs.start(ls);
  world.runtime.runs[1]?.exit({ code: 9 });
  await world.runs.wait(other.uid);
  expect(await world.runs.cancel(other.uid)).toMatchObject({ end: "exited", code: 9 });
  await expect(world.runs.cancel(randomUUID())).rejects.toMatchObject({ code: "run_not_found" });
});

it("answers at once, or when the run has ended, or when the time is over", async () => {
  await using world = await open();
  const { uid } = await world.runs.start(ls);
  expect(await world.runs.wait(uid, 0)).toMatchObject({ state: "running", end: null });
  expect(await world.runs.wait(uid, 30)).toMatchObject({ state: "running" });
  const waiting = world.runs.wait(uid);
  world.runtime.runs[0]?.exit({ signal: "SIGKILL", isOutOfMemory: true });
  expect(await waiting).toMatchObject({ state: "ended", end: "out-of-memory", signal: "SIGKILL" });
});

it("takes no more than its number of runs at once, and records nothing of what it refuses", async () => {
  await using world = await open({ BACKLOT_RUNS_AT_ONCE: "2" });
  const [first] = await Promise.all([world.runs.start(ls), world.runs.start(ls)]);
  const uid = randomUUID();
  await expect(world.runs.start(ls, uid)).rejects.toMatchObject({ code: "machine_full" });
  await expect(world.runs.wait(uid, 0)).rejects.toMatchObject({ code: "run_not_found" });
  await world.runs.cancel(first.uid);
  expect(await world.runs.start(ls, uid)).toMatchObject({ state: "running" });
});

it("forgets a start that the machine had no room for, so that it can be tried again", async () => {
  await using world = await open();
  world.runtime.refusal = new Failure("machine_full");
  const uid = randomUUID();
  await expect(world.runs.start(ls, uid)).rejects.toMatchObject({ code: "machine_full" });
  world.runtime.refusal = null;
  expect(await world.runs.start(ls, uid)).toMatchObject({ state: "running" });
  world.runtime.refusal = new Failure("isolation_missing", { missing: ["bubblewrap"] });
  expect(await world.runs.start(ls)).toMatchObject({ state: "ended", end: "refused" });
  world.runtime.refusal = Object.assign(new Error("spawn E2BIG"), { code: "E2BIG" });
  expect(await world.runs.start(ls)).toMatchObject({ end: "not-executable", code: 126 });
});

it("never starts an attempt again of which nobody can tell whether it began", async () => {
  await using world = await open();
  world.runtime.refusal = new StartLost("Docker engine", new Error("socket hang up"));
  const uid = randomUUID();
  const ended = await world.runs.start(ls, uid);
  expect(ended).toMatchObject({ state: "ended", end: "lost", code: null, attempt: 1, message: expect.stringContaining("It may have begun") });
  world.runtime.refusal = null;
  expect(await world.runs.start(ls, uid)).toEqual(ended);
  expect(world.runtime.runs).toEqual([]);
  expect(await world.runs.start({ ...ls, attempt: 2 }, uid)).toMatchObject({ attempt: 2 });
  expect(world.runtime.runs).toHaveLength(1);
});

it("says in a shell's words why there was nothing to run", async () => {
  await using world = await open();
  await writeFile(join(world.home.data, "scripts/plain.txt"), "hello", { mode: 0o644 });
  const cases = [
    { script: "absent.sh", end: "not-found", code: 127, stderr: "sh: 1: absent.sh: not found\n" },
    { script: "plain.txt", end: "not-executable", code: 126, stderr: "sh: 1: plain.txt: Permission denied\n" },
  ];
  for (const { script, end, code, stderr } of cases) {
    const view = await world.runs.start({ script });
    expect(view).toMatchObject({ state: "ended", end, code });
    expect(await world.runs.text(view.uid, "stderr")).toBe(stderr);
    expect(existsSync(join(world.home.data, `logs/tasks/${view.uid}_stdout.log`))).toBe(true);
    expect(await world.runs.start({ script: "ls.sh" }, view.uid)).toEqual(view);
  }
  const refused = await world.runs.start({ program: { kind: "command", command: "echo" } });
  expect(refused).toMatchObject({ end: "refused", code: null });
  expect(await world.runs.start({ program: { kind: "script", path: "echo", orCommand: "echo" } })).toMatchObject({ end: "not-found", code: 127 });
  expect(world.runtime.runs).toEqual([]);
});

it("runs commands only where the setting allows them", async () => {
  await using world = await open({ BACKLOT_TASK_COMMANDS: "true" }, (run) => run.exit());
  await world.runs.start({ program: { kind: "command", command: "echo $1" }, arguments: ["a"] });
  await world.runs.start({ program: { kind: "script", path: "echo", orCommand: "echo b" } });
  await world.runs.start({ program: { kind: "script", path: "ls.sh", orCommand: "ls.sh", shellArguments: "*.txt" } });
  expect(world.runtime.runs.map((run) => run.request.command)).toEqual([
    { kind: "command", command: "echo $1" },
    { kind: "command", command: "echo b" },
    { kind: "script", path: "ls.sh", needsShell: false, shellArguments: "*.txt" },
  ]);
});

it("ends the runs of a site that is disabled or removed, and starts none there", async () => {
  await using world = await open();
  const spec = await siteWithJob(world, 3);
  const job = { script: "job.sh", siteId: 3 };
  const first = await world.runs.start(job);
  expect(first).toMatchObject({ state: "running" });
  await world.client.call(applySite, { params: { siteId: 3 }, body: { ...spec, availability: "disabled", revision: 2 } });
  expect(await world.runs.wait(first.uid, 0)).toMatchObject({ end: "cancelled", message: "The site was disabled." });
  expect(await world.runs.start(job)).toMatchObject({ end: "refused" });
  await world.client.call(applySite, { params: { siteId: 3 }, body: { ...spec, revision: 3 } });
  const second = await world.runs.start(job);
  await world.client.call(removeSite, { params: { siteId: 3 } });
  expect(await world.runs.wait(second.uid, 0)).toMatchObject({ end: "cancelled", message: "The site was deleted." });
  expect(await world.runs.start(job)).toMatchObject({ end: "refused" });
});

it("ends a run whose site is disabled while it is being started", async () => {
  await using world = await open();
  const spec = await siteWithJob(world, 3);
  const [start, asked, allowed] = [world.runtime.run.bind(world.runtime), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  world.runtime.run = async (request) => {
    world.runtime.run = start;
    asked.resolve();
    await allowed.promise;
    return start(request);
  };
  const starting = world.runs.start({ script: "job.sh", siteId: 3 });
  await asked.promise;
  const disabling = world.client.call(applySite, { params: { siteId: 3 }, body: { ...spec, availability: "disabled", revision: 2 } });
  await expect.poll(() => world.runs.start({ script: "job.sh", siteId: 3 }).then(({ end }) => end)).toBe("refused");
  allowed.resolve();
  expect(await starting).toMatchObject({ end: "cancelled", message: "The site is disabled, so nothing runs in it." });
  await disabling;
  expect(world.runtime.runs.filter((run) => !run.isGone)).toEqual([]);
});

it("starts nothing in a site that has outgrown its quota, also by runs that were over at once", async () => {
  await using world = await open({ BACKLOT_QUOTA_WATCH_MS: "100" });
  await siteWithJob(world, 3, { limits: { ...defaultSiteLimits, diskBytes: 1_000_000 } });
  world.runtime.runScript = (run) => void writeFile(join(world.home.folderOf(3), "public/large"), Buffer.alloc(2_000_000)).then(() => run.exit());
  await world.runs.finish({ script: "job.sh", siteId: 3 });
  world.runtime.runScript = (run) => run.exit();
  await expect.poll(() => world.runs.finish({ script: "job.sh", siteId: 3 }).then(({ end }) => end), { timeout: 5_000 }).toBe("refused");
  const refused = await world.runs.start({ script: "job.sh", siteId: 3 });
  expect(refused.message).toMatch(/full|limit/i);
  await rm(join(world.home.folderOf(3), "public/large"));
  await expect.poll(() => world.runs.finish({ script: "job.sh", siteId: 3 }).then(({ end }) => end), { timeout: 10_000 }).toBe("exited");
});

it("declares what went on lost when it is stopped, and knows it afterwards", async () => {
  await using world = await open();
  const { uid } = await world.runs.start(ls);
  await world.stop();
  await using again = await world.restart();
  const runs = new RunClient(clientOf(world.home, again.url, "worker"));
  expect(await runs.wait(uid)).toMatchObject({ end: "lost", message: "The orchestrator was stopped while it ran." });
  expect(await runs.start(ls, uid)).toMatchObject({ end: "lost" });
  expect(again.runtime.runs).toEqual([]);
});
