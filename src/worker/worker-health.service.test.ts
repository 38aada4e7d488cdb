import { request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLog } from "#kit/log.ts";
import { manyTasks, newTask } from "../../test/support/stores/task-builders.ts";
import { openWorkerStage, type WorkerStage } from "../../test/support/worker-stage.ts";
import { start } from "./start.ts";

let stage: WorkerStage;
beforeAll(async () => {
  stage = await openWorkerStage({ usesBroker: true });
});
afterAll(() => stage[Symbol.asyncDispose]());

async function startHere(settings: Readonly<Record<string, string>>) {
  const running = await start({ ...stage.environment, ...settings }, silentLog());
  const url = running.doors.worker ?? "";
  const ask = async (path: string) => {
    const response = await fetch(`${url}${path}`);
    return { status: response.status, text: await response.text() };
  };
  return { ...running, ask, [Symbol.asyncDispose]: () => running.stop() };
}

test("a worker says that it lives, that it is ready, and what became of its tasks", async () => {
  await using worker = await startHere({ BACKLOT_WORKER_PORT: "0" });
  expect(await worker.ask("/healthz")).toEqual({ status: 200, text: "ok\n" });
  await expect.poll(() => worker.ask("/readyz")).toEqual({ status: 200, text: "ok\n" });
  const tasks = [newTask({ script: "good.sh" }), newTask({ script: "held.sh" })];
  stage.orchestrator.state.runs.plan = ({ spec }) => (spec.program.kind === "script" && spec.program.path === "held.sh" ? { afterMs: null } : { code: 3 });
  for (const task of tasks) await stage.stores.tasks.create(task, manyTasks);
  const metrics = async () => (await worker.ask("/metrics")).text.split("\n");
  await expect.poll(metrics).toContain('backlot_task_attempts_ended_total{end="exited"} 1');
  await expect
    .poll(metrics)
    .toEqual(
      expect.arrayContaining([
        "backlot_tasks_running 1",
        "backlot_task_slots 4",
        "backlot_tasks_claimed_total 2",
        "backlot_task_queue_wait_seconds_count 2",
        "backlot_task_wakeups_connected 1",
      ]),
    );
  stage.orchestrator.state.runs.finish(tasks[1]?.uid ?? "");
  await expect.poll(metrics).toContain("backlot_tasks_running 0");
});

test("without a port there is no door, and a socket answers beside others on the same address", async () => {
  const socket = join(stage.folder, "worker.sock");
  // Left behind by one that was killed: nobody could listen there.
  const dead = createServer().listen(socket);
  await new Promise((resolve) => dead.once("listening", resolve));
  await using worker = await startHere({ BACKLOT_WORKER_SOCKET: socket });
  expect(worker.doors).toEqual({});
  const asked = request({ socketPath: socket, path: "/healthz" }).end();
  const answer = await new Promise<Parameters<typeof text>[0]>((resolve, reject) => {
    asked.on("response", resolve);
    asked.on("error", reject);
  });
  expect(await text(answer)).toBe("ok\n");
  // Not earlier: it takes away whatever stands at its path.
  dead.close();
});

test("a worker whose broker is away is not ready and says why, and tells how many messages wait", async () => {
  await stage.db.deleteFrom("taskOutbox").execute();
  await using worker = await startHere({ BACKLOT_WORKER_PORT: "0", AMQP_URL: "amqp://guest:guest@127.0.0.1:9" });
  const task = newTask();
  await stage.stores.tasks.create(task, manyTasks);
  expect(await worker.ask("/readyz")).toEqual({ status: 503, text: expect.stringMatching(/\w+ \w+/) });
  const { text: metrics } = await worker.ask("/metrics");
  expect(metrics).toContain("backlot_task_wakeups_connected 0\n");
  expect(metrics).toContain("backlot_task_outbox_messages 1\n");
  expect((await worker.ask("/healthz")).status).toBe(200);
});

test("a worker whose database is gone is not ready, and still tells what it counted", async () => {
  await using worker = await startHere({ BACKLOT_WORKER_PORT: "0" });
  await stage.database.drop();
  await expect.poll(() => worker.ask("/readyz")).toEqual({ status: 503, text: "the database does not answer\n" });
  expect((await worker.ask("/healthz")).status).toBe(200);
  expect((await worker.ask("/metrics")).text).toContain("backlot_tasks_claimed_total 0\n");
});
