import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Task } from "#core/tasks/task.ts";
import { type Database, openDatabase } from "#db/database.ts";
import { createStores } from "#db/stores.ts";
import { silentLog } from "#kit/log.ts";
import { createClusterKey, type FakeComponent } from "../../test/support/fake-component.ts";
import { startFakeOrchestrator } from "../../test/support/fake-orchestrator.ts";
import { startFakeRouter } from "../../test/support/fake-router.ts";
import { manyTasks, newTask } from "../../test/support/stores/task-builders.ts";
import { createTestDatabase, type TestDatabase } from "../../test/support/test-database.ts";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));
const cleanUp = new AsyncDisposableStack();
type Orchestrator = Awaited<ReturnType<typeof startFakeOrchestrator>>;

let stage: {
  readonly database: TestDatabase;
  readonly db: Database;
  readonly stores: ReturnType<typeof createStores>;
  readonly keyFile: string;
  readonly orchestrator: Orchestrator;
  readonly router: FakeComponent;
};

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "backlot-tasks-"));
  cleanUp.defer(() => rm(folder, { recursive: true, force: true }));
  const key = await createClusterKey();
  const keyFile = join(folder, "cluster.json");
  await writeFile(keyFile, JSON.stringify(key));
  const database = cleanUp.use(await createTestDatabase());
  const db = cleanUp.adopt(openDatabase({ url: database.url, maxConnections: 4, log: silentLog() }), (opened) => opened.destroy());
  const orchestrator = cleanUp.use(await startFakeOrchestrator(key));
  const router = cleanUp.use(await startFakeRouter(key));
  stage = { database, db, stores: createStores(db), keyFile, orchestrator, router };
});
afterAll(() => cleanUp.disposeAsync());
beforeEach(async () => {
  await stage.db.deleteFrom("tasks").execute();
  stage.orchestrator.state.runs.starts.length = 0;
});

/** A worker in an operating-system process of its own. */
function startWorker(settings: Readonly<Record<string, string>> = {}): ChildProcess & AsyncDisposable {
  const child = spawn(process.execPath, [main, "run", "worker"], {
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: stage.database.url,
      BACKLOT_CLUSTER_KEY_FILE: stage.keyFile,
      BACKLOT_ORCHESTRATOR_URL: stage.orchestrator.url,
      BACKLOT_ROUTER_URLS: stage.router.url,
      BACKLOT_RECONCILE_SECONDS: "3600",
      BACKLOT_LOG_LEVEL: "error",
      BACKLOT_TASK_LEASE_SECONDS: "2",
      ...settings,
    },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return Object.assign(child, { [Symbol.asyncDispose]: () => end(child, "SIGTERM") });
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill(signal);
  await gone;
}

async function read(uid: string): Promise<Task> {
  const task = await stage.stores.legacyTasks.byUid(uid);
  if (task === null) throw new Error(`there is no task ${uid}`);
  return task;
}

async function until(uid: string, state: Task["state"]): Promise<Task> {
  await expect.poll(async () => (await read(uid)).state, { timeout: 40_000, interval: 20 }).toBe(state);
  return read(uid);
}

/** A task whose run goes on until the test ends it. */
async function aRunningTask(): Promise<string> {
  stage.orchestrator.state.runs.plan = () => ({ afterMs: null });
  const task = newTask();
  await stage.stores.tasks.create(task, manyTasks);
  await expect.poll(async () => (await read(task.uid)).startedAt, { timeout: 40_000, interval: 20 }).not.toBeNull();
  return task.uid;
}

test("a run outlives its worker that is killed: another one follows it to its end, under the same attempt", async () => {
  const { runs } = stage.orchestrator.state;
  await using first = startWorker();
  const uid = await aRunningTask();
  await using _second = startWorker();
  await end(first, "SIGKILL");
  await expect
    .poll(async () => stage.db.selectFrom("tasks").select("fence").where("uid", "=", uid).executeTakeFirstOrThrow(), { timeout: 40_000 })
    .toEqual({ fence: 2 });
  runs.finish(uid, { code: 7 });
  expect(await until(uid, "failed")).toMatchObject({ attempt: 1, result: { end: "exited", code: 7 } });
  expect(runs.starts).toHaveLength(1);
}, 90_000);

test("a worker that is asked to end hands its tasks on at once, however long their lease", async () => {
  const { runs } = stage.orchestrator.state;
  await using first = startWorker({ BACKLOT_TASK_LEASE_SECONDS: "300" });
  const uid = await aRunningTask();
  await using _second = startWorker({ BACKLOT_TASK_LEASE_SECONDS: "300" });
  await end(first, "SIGTERM");
  runs.finish(uid);
  expect(await until(uid, "succeeded")).toMatchObject({ attempt: 1 });
  expect(runs.starts).toHaveLength(1);
}, 90_000);

test("cancelling reaches the run without waiting for a heartbeat", async () => {
  await using _worker = startWorker({ BACKLOT_TASK_LEASE_SECONDS: "300" });
  const uid = await aRunningTask();
  await stage.stores.tasks.requestCancel(await read(uid));
  expect(await until(uid, "cancelled")).toMatchObject({ result: { end: "cancelled" } });
}, 90_000);
