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

async function stage(options: { readonly concurrency?: number; readonly gatherMs?: number } = {}) {
  const time = new ManualTime();
  const queue = new FakeTaskQueue(time);
  const host = new ScriptedRunHost();
  const source = new FakeWakeupSource();
  const wakeups = source.open();
  const { concurrency = 4, gatherMs = 0 } = options;
  const start = async (worker: string) => {
    const runner = new TaskRunner({
      queue,
      host,
      wakeups,
      time,
      log: silentLog(),
      worker,
      concurrency,
      perSite: 2,
      leaseMs: 30_000,
      runLostMs: 60_000,
      gatherMs,
      random: () => 0.5,
    });
    runners.push(runner);
    await runner.start();
    await settle();
    return runner;
  };
  return { time, queue, host, source, wakeups, runner: await start("w1"), start };
}

/** The calls that change a task. */
const writesOf = (queue: FakeTaskQueue) => queue.calls.filter((call) => /^(started|finish|release|hand)/.test(call));

describe("a task", () => {
  test("is started, followed and ended with what became of its run", async () => {
    const { queue, host, source } = await stage();
    queue.add("a");
    source.announce();
    await queue.until("a", ({ startedAt }) => startedAt !== null);
    host.end("a", { code: 3 });
    expect(await queue.untilEnded("a")).toMatchObject({
      state: "failed",
      reason: "It exited with code 3.",
      attempt: 1,
      result: { end: "exited", code: 3 },
      finishedAt: new Date(1000),
    });
    expect(host.starts).toEqual(["a 1"]);
    expect(writesOf(queue)).toEqual(["started a", "finish a"]);
  });

  test("that ends within its start costs one write", async () => {
    const { queue, host, source } = await stage();
    host.endsAtOnce = true;
    queue.add("a");
    source.announce();
    expect(await queue.untilEnded("a")).toMatchObject({ state: "succeeded", startedAt: new Date(0) });
    await settle();
    expect(writesOf(queue)).toEqual(["finish a"]);
    expect(host.asked).toEqual(["put a"]);
  });

  test("is found within two seconds when every wake-up was lost", async () => {
    const { queue, host, time } = await stage();
    queue.add("a");
    await time.pass(2_000);
    expect(host.starts).toEqual(["a 1"]);
  });

  test("is tried again as its policy says, and then ends as failed", async () => {
    const { queue, host, time, source } = await stage();
    queue.add("a", { retry: { retries: 1, delaySeconds: 10, onLost: "fail" } });
    source.announce();
    await settle();
    host.end("a", { code: 1 });
    expect(await queue.until("a", ({ state }) => state === "queued")).toMatchObject({ reason: "It exited with code 1. It is tried again." });
    await time.pass(4_000);
    expect(host.starts).toEqual(["a 1"]);
    await time.pass(2_000);
    expect(host.starts).toEqual(["a 1", "a 2"]);
    host.end("a", { code: 1 });
    expect(await queue.untilEnded("a")).toMatchObject({ state: "failed", attempt: 2 });
  });

  test("that ends right after another is followed by one claim for both places", async () => {
    const { queue, host, source, time } = await stage({ concurrency: 3, gatherMs: 5 });
    // As where limits have to be looked at.
    queue.claimsNext = false;
    for (const uid of ["a", "b", "c", "d", "e"]) queue.add(uid);
    source.announce();
    await time.pass(20);
    expect(host.starts).toEqual(["a 1", "b 1", "c 1"]);
    const claims = () => queue.calls.filter((call) => call.startsWith("claim")).length;
    host.end("c");
    await queue.untilEnded("c");
    await time.pass(1);
    const before = claims();
    for (const uid of ["a", "b"]) host.end(uid);
    await Promise.all([queue.untilEnded("a"), queue.untilEnded("b")]);
    await settle();
    expect(claims()).toBe(before);
    await time.pass(5);
    expect(host.starts).toEqual(["a 1", "b 1", "c 1", "d 1", "e 1"]);
    expect(claims()).toBe(before + 1);
  });

  test("waits until one of the slots is free", async () => {
    const { queue, host, source } = await stage({ concurrency: 2 });
    for (const uid of ["a", "b", "c"]) queue.add(uid);
    source.announce();
    await settle();
    expect(host.starts).toEqual(["a 1", "b 1"]);
    host.end("b");
    await queue.untilEnded("b");
    await settle();
    expect(host.starts).toEqual(["a 1", "b 1", "c 1"]);
  });

  test("that the orchestrator refuses ends as rejected, in its words", async () => {
    const { queue, host, source } = await stage();
    host.answer = () => ({ kind: "refused", reason: "Commands are switched off here." });
    queue.add("a", { retry: { retries: 3, delaySeconds: 0, onLost: "retry" } });
    source.announce();
    expect(await queue.untilEnded("a")).toMatchObject({ state: "rejected", reason: "Commands are switched off here.", result: { end: "refused" } });
  });
});

describe("a machine that cannot start anything now", () => {
  test("gets the task later, under the same number of starts", async () => {
    const { queue, host, time, source } = await stage();
    host.answer = () => ({ kind: "busy", reason: "The machine is full." });
    queue.add("a");
    source.announce();
    expect(await queue.until("a", ({ state, reason }) => state === "queued" && reason !== null)).toMatchObject({ attempt: 0, reason: "The machine is full." });
    host.answer = undefined;
    await time.pass(3_000);
    expect(host.starts).toEqual(["a 1"]);
  });

  test("keeps the run that it has already, and is asked less and less often", async () => {
    const { queue, host, time, source } = await stage();
    queue.add("a");
    source.announce();
    await settle();
    host.goAway({ kind: "busy", reason: "It is just starting." });
    await time.pass(100_000);
    expect(queue.find("a")).toMatchObject({ state: "running", attempt: 1, fence: 1 });
    expect(host.asked.length).toBeLessThan(120);
    host.answer = undefined;
    host.end("a");
    await time.pass(3_000);
    expect(queue.find("a")).toMatchObject({ state: "succeeded", attempt: 1 });
    expect(writesOf(queue)).toEqual(["started a", "finish a"]);
  });

  test("is not asked for each task of the queue", async () => {
    const { queue, host, time, source } = await stage({ concurrency: 1 });
    host.answer = () => ({ kind: "unreached", reason: "The orchestrator does not answer." });
    for (let i = 0; i < 100; i++) queue.add(`t${i}`);
    source.announce();
    await time.pass(20_000);
    expect(host.asked.length).toBeLessThan(15);
    expect(queue.find("t99")).toMatchObject({ state: "queued", attempt: 0 });
  });
});

describe("an orchestrator that does not answer", () => {
  test("is asked for the same start again: what it started is found, not started twice", async () => {
    const { queue, host, time, source } = await stage();
    host.losesAnswers = true;
    queue.add("a");
    source.announce();
    await time.pass(1_000);
    host.losesAnswers = false;
    await time.pass(2_000);
    expect(host.starts).toEqual(["a 1"]);
    host.end("a");
    expect(await queue.untilEnded("a")).toMatchObject({ state: "succeeded", attempt: 1 });
  });

  test("is not believed when it then cannot be reached: the start that it may have made counts", async () => {
    const { queue, host, time, source } = await stage();
    host.losesAnswers = true;
    queue.add("a");
    source.announce();
    await settle();
    host.answer = () => ({ kind: "unreached", reason: "The orchestrator does not answer." });
    await time.pass(30_000);
    expect(queue.find("a")).toMatchObject({ state: "running", attempt: 1 });
    expect(writesOf(queue)).toEqual([]);
  });

  test("and was never reached has not started the task, which goes back at once", async () => {
    const { queue, host, source } = await stage();
    host.answer = () => ({ kind: "unreached", reason: "The orchestrator does not answer." });
    queue.add("a");
    source.announce();
    await settle();
    expect(queue.find("a")).toMatchObject({ state: "queued", attempt: 0, reason: "The orchestrator does not answer." });
  });

  test("is not given up for a minute, and the run is followed when it is back", async () => {
    const { queue, host, time, source } = await stage();
    queue.add("a");
    source.announce();
    await settle();
    host.goAway();
    await time.pass(55_000);
    expect(queue.find("a").state).toBe("running");
    host.answer = undefined;
    await time.pass(3_000);
    host.end("a");
    expect(await queue.untilEnded("a")).toMatchObject({ state: "succeeded" });
    expect(host.starts).toEqual(["a 1"]);
  });

  test("for longer than that has lost its runs: they are not started silently once more", async () => {
    const { queue, host, time, source } = await stage();
    queue.add("a", { retry: { retries: 5, delaySeconds: 0, onLost: "fail" } });
    source.announce();
    await settle();
    host.goAway();
    await time.pass(62_000);
    expect(queue.find("a")).toMatchObject({
      state: "lost",
      reason: "The machine that ran it was lost: no answer",
      attempt: 1,
      result: { end: "lost", code: null },
    });
    // It is back, and the script runs there still, for nobody.
    host.answer = undefined;
    await time.pass(60_000);
    expect(host.asked.at(-1)).toBe("cancel a");
    const asked = host.asked.length;
    await time.pass(600_000);
    expect(host.asked).toHaveLength(asked);
  });

  test("has lost a run of which it knows nothing; a script that allows it is started once more", async () => {
    const { queue, host, time, source } = await stage();
    queue.add("a");
    queue.add("b", { retry: { retries: 0, delaySeconds: 0, onLost: "retry" } });
    source.announce();
    await settle();
    host.forgetAll();
    await time.pass(10);
    expect(queue.find("a").state).toBe("lost");
    expect(host.starts).toEqual(["a 1", "b 1", "b 2"]);
  });
});

describe("cancelling", () => {
  test("reaches a run at once by a hint", async () => {
    const { queue, source, runner } = await stage();
    queue.add("a", { retry: { retries: 3, delaySeconds: 0, onLost: "retry" } });
    source.announce();
    await settle();
    queue.requestCancel("a");
    runner.cancel("a");
    expect(await queue.untilEnded("a")).toMatchObject({ state: "cancelled", attempt: 1, result: { end: "cancelled", signal: "SIGTERM" } });
  });

  test("reaches a run by the heartbeat when the hint was lost", async () => {
    const { queue, source, time } = await stage();
    queue.add("a");
    source.announce();
    await settle();
    queue.requestCancel("a");
    await time.pass(10_000);
    expect(queue.find("a").state).toBe("cancelled");
  });

  test("ends a task that nobody can have started without starting it", async () => {
    const { queue, host, source } = await stage();
    queue.add("a", { state: "running", attempt: 1, fence: 1, cancelRequestedAt: new Date(0) });
    source.announce();
    expect(await queue.untilEnded("a")).toMatchObject({ state: "cancelled", startedAt: null });
    expect(host.starts).toEqual([]);
  });
});

describe("leases", () => {
  test("of all held tasks are kept by one heartbeat", async () => {
    const { queue, source, time } = await stage();
    queue.add("a");
    queue.add("b");
    source.announce();
    await settle();
    await time.pass(100_000);
    expect(queue.calls.filter((call) => call.startsWith("renew"))).toEqual(Array.from({ length: 10 }, () => "renew a b"));
    expect(queue.find("a")).toMatchObject({ state: "running", fence: 1 });
  });

  test("that were lost end the following, and leave the run alone", async () => {
    const { queue, host, source, time } = await stage();
    queue.add("a");
    source.announce();
    await settle();
    queue.takeOver("a");
    await time.pass(10_000);
    host.end("a");
    await time.pass(10_000);
    expect(writesOf(queue)).toEqual(["started a"]);
    expect(host.asked.filter((question) => question.startsWith("cancel"))).toEqual([]);
    expect(queue.calls.filter((call) => call.startsWith("renew"))).toHaveLength(1);
  });

  test("that end under a running script lead another worker to the same run", async () => {
    const { queue, host, source } = await stage();
    queue.add("a", { state: "running", attempt: 1, fence: 1, isStarted: true });
    host.starts.length = 0;
    await host.put(queue.find("a"));
    source.announce();
    await settle();
    host.end("a");
    expect(await queue.untilEnded("a")).toMatchObject({ state: "succeeded", attempt: 1, fence: 2 });
    expect(host.starts).toEqual(["a 1"]);
  });

  test("are handed back by a worker that stops, and the next one follows the run at once", async () => {
    const { queue, host, source, runner, start } = await stage();
    queue.add("a");
    source.announce();
    await queue.until("a", ({ startedAt }) => startedAt !== null);
    await runner.stop();
    expect(queue.find("a")).toMatchObject({ state: "running", attempt: 1 });
    await start("w2");
    host.end("a");
    expect(await queue.untilEnded("a")).toMatchObject({ state: "succeeded", attempt: 1, fence: 2, worker: "w2" });
    expect(host.starts).toEqual(["a 1"]);
  });
});

describe("a database that is away", () => {
  test("gets the result when it is back, and gives what waited meanwhile", async () => {
    const { queue, host, source, time } = await stage();
    queue.add("a");
    source.announce();
    await settle();
    queue.isAway = true;
    host.end("a");
    await time.pass(20_000);
    queue.isAway = false;
    queue.add("b");
    await time.pass(5_000);
    expect(queue.find("a").state).toBe("succeeded");
    expect(host.starts).toEqual(["a 1", "b 1"]);
  });
});

test("a wake-up is answered when the claim was made, with whether there is room for more", async () => {
  const { queue, wakeups, runner } = await stage({ concurrency: 1 });
  const answers: unknown[] = [];
  await runner.stop();
  const other = new TaskRunner({
    ...{ queue, host: new ScriptedRunHost(), time: new ManualTime(), log: silentLog(), worker: "w3", concurrency: 2, perSite: 2, leaseMs: 30_000 },
    ...{ runLostMs: 60_000, gatherMs: 0, random: () => 0.5 },
    wakeups: {
      start: async (onWakeup) => {
        await settle();
        queue.add("a");
        answers.push(await onWakeup());
        queue.add("b");
        queue.add("c");
        answers.push(await onWakeup(), await onWakeup());
      },
      resume: () => undefined,
      health: () => wakeups.health(),
      stop: async () => undefined,
    },
  });
  runners.push(other);
  await other.start();
  expect(answers).toEqual([
    { hasRoom: true, claimed: 1 },
    { hasRoom: false, claimed: 1 },
    { hasRoom: false, claimed: 0 },
  ]);
});
