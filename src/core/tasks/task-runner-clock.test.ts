import { afterEach, describe, expect, test } from "vitest";
import { silentLog } from "#kit/log.ts";
import { FakeTaskQueue } from "../../../test/support/fake-task-queue.ts";
import { FakeWakeupSource } from "../../../test/support/fake-task-wakeups.ts";
import { ManualTime, settle } from "../../../test/support/manual-time.ts";
import { ScriptedRunHost } from "../../../test/support/scripted-run-host.ts";
import { TaskRunner } from "./task-runner.ts";

const runners: TaskRunner[] = [];
afterEach(async () => {
  await Promise.all(runners.splice(0).map((runner) => runner.stop()));
});

async function stage(options: { readonly gatherMs?: number } = {}) {
  const time = new ManualTime();
  const [queue, host, source] = [new FakeTaskQueue(time), new ScriptedRunHost(), new FakeWakeupSource()];
  const limits = { concurrency: 4, perSite: 2, leaseMs: 30_000, runLostMs: 60_000, gatherMs: 0, ...options };
  const runner = new TaskRunner({ queue, host, wakeups: source.open(), time, log: silentLog(), worker: "w1", ...limits, random: () => 0.5 });
  runners.push(runner);
  await runner.start();
  await settle();
  return { time, queue, host, source };
}

describe("a clock that is set back by an hour", () => {
  const hourMs = 3_600_000;

  test("keeps nobody from claiming while something runs", async () => {
    const { queue, host, time, source } = await stage({ gatherMs: 5 });
    queue.add("a");
    source.announce();
    await time.pass(20);
    expect(host.starts).toEqual(["a 1"]);
    time.setBack(hourMs);
    queue.add("b");
    source.announce();
    await time.pass(20);
    expect(host.starts).toEqual(["a 1", "b 1"]);
  });

  test("leaves a machine alone that can start nothing no longer than otherwise", async () => {
    const { queue, host, time, source } = await stage();
    host.answer = () => ({ kind: "busy", reason: "The machine is full." });
    queue.add("a");
    source.announce();
    await settle();
    time.setBack(hourMs);
    host.answer = undefined;
    queue.add("b");
    source.announce();
    await time.pass(10_000);
    expect(host.starts).toContain("b 1");
  });

  test("lets nobody start late what nobody announced", async () => {
    const { queue, host, time } = await stage();
    queue.add("in an hour", { runAt: new Date(time.now() + hourMs) });
    await time.pass(2_000);
    time.setBack(hourMs);
    queue.add("soon", { runAt: new Date(time.now() + 15_300) });
    await time.pass(15_299);
    expect(host.starts).toEqual([]);
    await time.pass(2);
    expect(host.starts).toEqual(["soon 1"]);
  });

  test("gives up a silent machine no later than otherwise", async () => {
    const { queue, host, time, source } = await stage();
    queue.add("a");
    source.announce();
    await settle();
    host.goAway();
    time.setBack(hourMs);
    await time.pass(65_000);
    expect(queue.find("a")).toMatchObject({ state: "lost" });
  });
});
