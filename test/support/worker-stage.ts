import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Task } from "#core/tasks/task.ts";
import { type Database, openDatabase } from "#db/database.ts";
import { createStores } from "#db/stores.ts";
import { silentLog } from "#kit/log.ts";
import { childEnvironment } from "./child-environment.ts";
import { createClusterKey, type FakeComponent } from "./fake-component.ts";
import { startFakeOrchestrator } from "./fake-orchestrator.ts";
import { startFakeRouter } from "./fake-router.ts";
import { createTestDatabase, type TestDatabase } from "./test-database.ts";

const program = join(import.meta.dirname, "../../bin/backlot.mjs");

/** A worker in an operating-system process of its own. */
export type WorkerProcess = ChildProcess & AsyncDisposable;

/** A real database and a pretended orchestrator, for real workers. */
export interface WorkerStage extends AsyncDisposable {
  /** An empty folder. */
  readonly folder: string;
  readonly database: TestDatabase;
  readonly db: Database;
  readonly stores: ReturnType<typeof createStores>;
  readonly orchestrator: Awaited<ReturnType<typeof startFakeOrchestrator>>;
  readonly router: FakeComponent;
  /** What a worker is given. */
  readonly environment: Readonly<Record<string, string>>;
  startWorker(settings?: Readonly<Record<string, string>>): WorkerProcess;
  task(uid: string): Promise<Task>;
}

export async function openWorkerStage(options: { readonly usesBroker?: boolean } = {}): Promise<WorkerStage> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "backlot-worker-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const key = await createClusterKey();
  const keyFile = join(folder, "cluster.json");
  await writeFile(keyFile, JSON.stringify(key));
  const database = stack.use(await createTestDatabase());
  const db = stack.adopt(openDatabase({ url: database.url, maxConnections: 4, log: silentLog() }), (opened) => opened.destroy());
  const orchestrator = stack.use(await startFakeOrchestrator(key));
  const router = stack.use(await startFakeRouter(key));
  const stores = createStores(db, { usesBroker: options.usesBroker ?? false });
  const environment = {
    DATABASE_URL: database.url,
    BACKLOT_CLUSTER_KEY_FILE: keyFile,
    BACKLOT_ORCHESTRATOR_URL: orchestrator.url,
    BACKLOT_ROUTER_URLS: router.url,
    BACKLOT_RECONCILE_SECONDS: "3600",
    BACKLOT_LOG_LEVEL: "error",
    BACKLOT_TASK_LEASE_SECONDS: "2",
  };
  const moved = stack.move();
  return {
    ...{ folder, database, db, stores, orchestrator, router, environment },
    startWorker(settings = {}) {
      const env = { ...childEnvironment, ...environment, ...settings };
      const child = spawn(process.execPath, [program, "run", "worker"], { env, stdio: ["ignore", "inherit", "inherit"] });
      return Object.assign(child, { [Symbol.asyncDispose]: () => endWorker(child, "SIGTERM") });
    },
    async task(uid) {
      const task = await stores.legacyTasks.byUid(uid);
      if (task === null) throw new Error(`there is no task ${uid}`);
      return task;
    },
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

/** Ends a worker, and resolves when it is gone. */
export async function endWorker(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill(signal);
  await gone;
}
