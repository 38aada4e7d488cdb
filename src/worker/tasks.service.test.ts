import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Task } from "#core/tasks/task.ts";
import { manyTasks, newTask } from "../../test/support/stores/task-builders.ts";
import { endWorker, openWorkerStage, type WorkerStage } from "../../test/support/worker-stage.ts";

let stage: WorkerStage;

beforeAll(async () => {
  stage = await openWorkerStage();
});
afterAll(() => stage[Symbol.asyncDispose]());
beforeEach(async () => {
  await stage.db.deleteFrom("tasks").execute();
  stage.orchestrator.state.runs.starts.length = 0;
});

async function until(uid: string, state: Task["state"]): Promise<Task> {
  await expect.poll(async () => (await stage.task(uid)).state, { timeout: 40_000, interval: 20 }).toBe(state);
  return stage.task(uid);
}

/** A task whose run goes on until the test ends it. */
async function aRunningTask(): Promise<string> {
  stage.orchestrator.state.runs.plan = () => ({ afterMs: null });
  const task = newTask();
  await stage.stores.tasks.create(task, manyTasks);
  await expect.poll(async () => (await stage.task(task.uid)).startedAt, { timeout: 40_000, interval: 20 }).not.toBeNull();
  return task.uid;
}

test("a run outlives its worker that is killed: another one follows it to its end, under the same attempt", async () => {
  const { runs } = stage.orchestrator.state;
  await using first = stage.startWorker();
  const uid = await aRunningTask();
  await using _second = stage.startWorker();
  await endWorker(first, "SIGKILL");
  await expect
    .poll(async () => stage.db.selectFrom("tasks").select("fence").where("uid", "=", uid).executeTakeFirstOrThrow(), { timeout: 40_000 })
    .toEqual({ fence: 2 });
  runs.finish(uid, { code: 7 });
  expect(await until(uid, "failed")).toMatchObject({ attempt: 1, result: { end: "exited", code: 7 } });
  expect(runs.starts).toHaveLength(1);
}, 90_000);

test("a worker that is asked to end hands its tasks on at once, however long their lease", async () => {
  const { runs } = stage.orchestrator.state;
  await using first = stage.startWorker({ BACKLOT_TASK_LEASE_SECONDS: "300" });
  const uid = await aRunningTask();
  await using _second = stage.startWorker({ BACKLOT_TASK_LEASE_SECONDS: "300" });
  await endWorker(first, "SIGTERM");
  runs.finish(uid);
  expect(await until(uid, "succeeded")).toMatchObject({ attempt: 1 });
  expect(runs.starts).toHaveLength(1);
}, 90_000);

test("cancelling reaches the run without waiting for a heartbeat", async () => {
  await using _worker = stage.startWorker({ BACKLOT_TASK_LEASE_SECONDS: "300" });
  const uid = await aRunningTask();
  await stage.stores.tasks.requestCancel(await stage.task(uid));
  expect(await until(uid, "cancelled")).toMatchObject({ result: { end: "cancelled" } });
}, 90_000);
