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

async function stage({ concurrency }: { readonly concurrency: number }) {
  const time = new ManualTime();
  const queue = new FakeTaskQueue(time);
  const host = new ScriptedRunHost();
  const source = new FakeWakeupSource();
  const runner = new TaskRunner({
    ...{ queue, host, wakeups: source.open(), time, log: silentLog(), worker: "w1", concurrency, perSite: 2, leaseMs: 30_000, runLostMs: 60_000 },
    ...{ gatherMs: 0, random: () => 0.5 },
  });
  runners.push(runner);
  await runner.start();
  await settle();
  return { queue, host, source, runner };
}

describe("a task that waits", () => {
  test("takes the place of one that ends without another look at the queue", async () => {
    const { queue, host, source } = await stage({ concurrency: 2 });
    for (const uid of ["a", "b", "c", "d"]) queue.add(uid);
    source.announce();
    await settle();
    const claims = () => queue.calls.filter((call) => call === "claim").length;
    const before = claims();
    for (const uid of ["a", "b"]) host.end(uid);
    await Promise.all([queue.untilEnded("a"), queue.untilEnded("b")]);
    await settle();
    expect(host.starts).toEqual(["a 1", "b 1", "c 1", "d 1"]);
    expect(claims()).toBe(before);
    for (const uid of ["c", "d"]) host.end(uid);
    await Promise.all([queue.untilEnded("c"), queue.untilEnded("d")]);
    queue.add("e");
    source.announce();
    await settle();
    expect(host.starts.at(-1)).toBe("e 1");
  });

  test("that was claimed in place of another while the worker stops is handed back, not begun", async () => {
    const { queue, host, source, runner } = await stage({ concurrency: 1 });
    for (const uid of ["a", "b"]) queue.add(uid);
    source.announce();
    await settle();
    const finished = queue.holdFinish();
    host.end("a");
    await finished.asked;
    const stopped = runner.stop();
    finished.goOn();
    await stopped;
    expect(queue.find("a").state).toBe("succeeded");
    expect(host.starts).toEqual(["a 1"]);
    expect(queue.handedBack).toEqual(["b"]);
  });
});
