import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import { putRun, type RunOutput } from "#contract/internal/runs.ts";
import { defaultRunLimits, retryPolicy } from "#contract/task.ts";
import type { ActorTask } from "#core/tasks/task-store.ts";
import { type ComponentClient, createComponentClient } from "#kit/component-client.ts";
import { createSigner } from "#kit/grant.ts";
import { Hints } from "#kit/hints.ts";
import { actor } from "../../test/support/builders.ts";
import { createClusterKey, type FakeComponent } from "../../test/support/fake-component.ts";
import { type FakeOrchestratorState, startFakeOrchestrator } from "../../test/support/fake-orchestrator.ts";
import type { FakeRuns } from "../../test/support/fake-runs.ts";
import { FakeTaskStore } from "../../test/support/fake-task-store.ts";
import { followOutput, outputSoFar } from "./task-output.ts";

const admin = actor({ role: "administrator" });

let orchestrator: FakeComponent & { readonly state: FakeOrchestratorState };
let runs: FakeRuns;
let client: ComponentClient;
let worker: ComponentClient;
let tasks: FakeTaskStore;
let hints: Hints;
let stop: AbortController;

beforeEach(async () => {
  const key = await createClusterKey();
  orchestrator = await startFakeOrchestrator(key);
  runs = orchestrator.state.runs;
  runs.plan = () => ({ afterMs: null });
  const signer = await createSigner(key.signingKey);
  client = createComponentClient({ baseUrl: orchestrator.url, audience: "orchestrator", caller: "manager", signer });
  worker = createComponentClient({ baseUrl: orchestrator.url, audience: "orchestrator", caller: "worker", signer });
  hints = new Hints();
  tasks = new FakeTaskStore(() => null);
  tasks.onChange = (uid) => hints.notify(uid);
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await orchestrator.close();
});

async function aTask(): Promise<ActorTask> {
  const common = { siteId: null, legacy: null, sealedEnvironment: null, environmentNames: [], priority: 0, scriptConcurrency: null, createdById: 1 };
  const rest = { scheduleId: null, rerunOf: null, idempotencyKey: null, runAt: null };
  const program = { kind: "script", path: "x.sh" } as const;
  const made = await tasks.create(
    { ...common, ...rest, uid: randomUUID(), program, arguments: [], retry: retryPolicy.parse({}), limits: defaultRunLimits },
    { maxWaiting: 9 },
  );
  return { ...made.task, actorSite: null };
}

/** What a worker does: the run first, then the row. */
async function startAttempt(uid: string, attempt: number): Promise<ActorTask> {
  const program = { kind: "script", path: "x.sh" } as const;
  const body = { attempt, siteId: null, program, arguments: [], environment: {}, limits: defaultRunLimits, idempotencyKey: null };
  await worker.call(putRun, { params: { uid }, body });
  tasks.change(uid, { state: "running", attempt });
  const row = tasks.rows.find((each) => each.uid === uid);
  if (row === undefined) throw new Error("no row");
  return { ...row, actorSite: null };
}

const deps = () => ({ tasks, orchestrator: client, hints });
const ask = (task: ActorTask, offset = 0, attempt?: number) => ({ attempt, actor: admin, task, stream: "stdout" as const, offset, signal: stop.signal });

async function soFar(task: ActorTask, offset = 0): Promise<{ readonly next: number; readonly text: string }> {
  const { next, text } = await outputSoFar(deps(), ask(task, offset));
  return { next, text: (await Array.fromAsync(text)).join("") };
}

/** Follows in the background; `until` resolves when so many characters have come. */
function following(task: ActorTask, offset = 0, attempt?: number) {
  const pieces: RunOutput[] = [];
  const waiting = new Set<() => void>();
  const ended = (async () => {
    for await (const piece of followOutput(deps(), ask(task, offset, attempt))) {
      pieces.push(piece);
      for (const wake of waiting) wake();
    }
  })();
  const text = (): string => pieces.map((piece) => piece.text).join("");
  const until = async (wanted: string): Promise<void> => {
    while (!text().includes(wanted)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.add(resolve);
      await promise;
      waiting.delete(resolve);
    }
  };
  return { pieces, text, until, ended };
}

describe("output as it is there", () => {
  test("says where it ends, and goes on from there byte by byte", async () => {
    const { uid } = await aTask();
    const task = await startAttempt(uid, 1);
    runs.print(uid, "stdout", "für\n");
    expect(await soFar(task)).toEqual({ next: 5, text: "für\n" });
    runs.print(uid, "stdout", "dich\n");
    expect(await soFar(task, 5)).toEqual({ next: 10, text: "dich\n" });
    expect(await soFar(task, -5)).toEqual({ next: 10, text: "dich\n" });
    expect(await soFar(task, 10)).toEqual({ next: 10, text: "" });
  });

  test("leaves what is written while it is read to the next request", async () => {
    const { uid } = await aTask();
    const task = await startAttempt(uid, 1);
    runs.print(uid, "stdout", "one ü\n");
    orchestrator.onCall = async ({ id }) => {
      if (id === "run.log") runs.print(uid, "stdout", "two\n");
    };
    const first = await soFar(task);
    expect(first).toEqual({ next: 7, text: "one ü\n" });
    orchestrator.onCall = async () => undefined;
    expect(await soFar(task, first.next)).toEqual({ next: 11, text: "two\n" });
  });

  test("is empty for a task that has not begun, and for one whose output was cleared away", async () => {
    const task = await aTask();
    expect(await soFar(task)).toEqual({ next: 0, text: "" });
    expect(await soFar({ ...task, state: "failed", attempt: 1 })).toEqual({ next: 0, text: "" });
  });
});

describe("output that is followed", () => {
  test("waits for the start, comes as it is written, and ends with the task", async () => {
    const task = await aTask();
    const log = following(task);
    await startAttempt(task.uid, 1);
    runs.print(task.uid, "stdout", "one\n");
    await log.until("one");
    runs.print(task.uid, "stdout", "two\n");
    await log.until("two");
    runs.finish(task.uid, { stdout: "three\n" });
    tasks.change(task.uid, { state: "succeeded", finishedAt: new Date() });
    await log.ended;
    expect(log.text()).toBe("one\ntwo\nthree\n");
    expect(log.pieces.at(-1)?.next).toBe(14);
  });

  test("goes on from an offset after the end, too", async () => {
    const { uid } = await aTask();
    const task = await startAttempt(uid, 1);
    runs.finish(uid, { stdout: "all of it\n" });
    tasks.change(uid, { state: "succeeded" });
    const log = following(task, 4);
    await log.ended;
    expect(log.text()).toBe("of it\n");
  });

  test("begins anew with the next attempt, and its offset says so", async () => {
    const { uid } = await aTask();
    const log = following(await startAttempt(uid, 1));
    runs.finish(uid, { code: 1, stdout: "first attempt\n" });
    await log.until("first");
    tasks.change(uid, { state: "queued" });
    await startAttempt(uid, 2);
    runs.finish(uid, { stdout: "second\n" });
    tasks.change(uid, { state: "succeeded" });
    await log.ended;
    expect(log.pieces.map(({ offset, text }) => [offset, text])).toEqual([
      [0, "first attempt\n"],
      [0, "second\n"],
    ]);
  });

  test("begins anew for a reader that comes back with more than this attempt has written", async () => {
    const { uid } = await aTask();
    const task = await startAttempt(uid, 2);
    runs.finish(uid, { stdout: "short\n" });
    tasks.change(uid, { state: "succeeded" });
    const log = following(task, 100);
    await log.ended;
    expect(log.text()).toBe("short\n");
  });

  test("goes on in the same attempt, and from the beginning of one that began meanwhile, for a reader that says which it read", async () => {
    const { uid } = await aTask();
    const task = await startAttempt(uid, 2);
    runs.finish(uid, { stdout: "as long as the first\n" });
    tasks.change(uid, { state: "succeeded" });
    const same = following(task, 3, 2);
    await same.ended;
    expect(same.text()).toBe("as long as the first\n".slice(3));
    const other = following(task, 3, 1);
    await other.ended;
    expect(other.text()).toBe("as long as the first\n");
    expect(other.pieces).toMatchObject([{ attempt: 2, offset: 0 }]);
  });

  test("survives an orchestrator that is away, without a byte lost or twice", async () => {
    const { uid } = await aTask();
    const task = await startAttempt(uid, 1);
    runs.print(uid, "stdout", "before\n");
    let refusals = 0;
    orchestrator.onCall = async ({ id }) => {
      if (id !== "run.log" || refusals >= 2) return;
      refusals += 1;
      throw new Failure("component_away", { component: "orchestrator" });
    };
    const log = following(task);
    while (refusals < 2) {
      await new Promise((resolve) => setImmediate(resolve));
      hints.notify(uid);
    }
    hints.notify(uid);
    await log.until("before");
    runs.finish(uid, { stdout: "after\n" });
    tasks.change(uid, { state: "succeeded" });
    await log.ended;
    expect(log.text()).toBe("before\nafter\n");
  });

  test("of a task that has ended is given up when the orchestrator stays away", async () => {
    const { uid } = await aTask();
    const task = await startAttempt(uid, 1);
    tasks.change(uid, { state: "lost" });
    await orchestrator.close();
    const log = following(task);
    const nudge = setInterval(() => hints.notify(uid), 10);
    await log.ended.finally(() => clearInterval(nudge));
    expect(log.text()).toBe("");
  });

  test("ends for someone who does not see the task any more", async () => {
    const task = await aTask();
    const log = following(task);
    tasks.rows.splice(0);
    hints.notify(task.uid);
    await log.ended;
    expect(log.text()).toBe("");
  });

  test("ends when its reader is gone", async () => {
    const { uid } = await aTask();
    const log = following(await startAttempt(uid, 1));
    runs.print(uid, "stdout", "x");
    await log.until("x");
    stop.abort();
    await log.ended;
  });
});
