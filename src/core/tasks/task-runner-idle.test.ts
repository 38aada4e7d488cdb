import { expect, test } from "vitest";
import { silentLog } from "#kit/log.ts";
import { FakeTaskQueue } from "../../../test/support/fake-task-queue.ts";
import { FakeWakeupSource } from "../../../test/support/fake-task-wakeups.ts";
import { ManualTime, settle } from "../../../test/support/manual-time.ts";
import { ScriptedRunHost } from "../../../test/support/scripted-run-host.ts";
import { TaskRunner } from "./task-runner.ts";

test("an empty queue costs one question every two seconds, and a task is started to the millisecond when it falls due all the same", async () => {
  const time = new ManualTime();
  const queue = new FakeTaskQueue(time);
  const [host, source] = [new ScriptedRunHost(), new FakeWakeupSource()];
  const limits = { concurrency: 4, perSite: 2, leaseMs: 30_000, runLostMs: 60_000, gatherMs: 0 };
  const runner = new TaskRunner({ queue, host, wakeups: source.open(), time, log: silentLog(), worker: "w1", ...limits, random: () => 0.5 });
  let asked = 0;
  const { nextDueMs } = queue;
  queue.nextDueMs = () => {
    asked += 1;
    return nextDueMs.call(queue);
  };
  await runner.start();
  await settle();
  await time.pass(60_000);
  expect(asked).toBeLessThanOrEqual(7);
  queue.add("soon", { runAt: new Date(time.now() + 700) });
  source.announce();
  await time.pass(699);
  expect(host.starts).toEqual([]);
  await time.pass(2);
  expect(host.starts).toEqual(["soon 1"]);
  await runner.stop();
});
