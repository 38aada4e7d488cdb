import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { attemptWindowMs } from "#core/accounts/rate-limit.ts";
import type { Fleet } from "#core/nodes/fleet.ts";
import { OperationRunner } from "#core/operations/operation-runner.ts";
import type { Site } from "#core/sites/site.ts";
import { type Database, openDatabase } from "#db/database.ts";
import { isDatabaseThere } from "#db/database-ready.ts";
import { Listener } from "#db/listener.ts";
import { migrate } from "#db/migrate.ts";
import { PostgresSiteDatabaseServer } from "#db/sites/postgres-site-database-server.ts";
import { PostgresSiteStore } from "#db/sites/postgres-site-store.ts";
import { createWorkerStores } from "#db/stores.ts";
import { readClusterKey } from "#kit/cluster-key.ts";
import { createComponentClient } from "#kit/component-client.ts";
import { parseConfig } from "#kit/config.ts";
import { createSigner, type GrantSigner } from "#kit/grant.ts";
import { type HealthDoor, openHealthDoor } from "#kit/http/health-door.ts";
import type { StartService } from "#kit/lifecycle.ts";
import type { Log } from "#kit/log.ts";
import { createSeal } from "#kit/seal.ts";
import { configSchema, type WorkerConfig } from "./config.ts";
import { DatabaseWatch } from "./database-watch.ts";
import { NodeKeeper } from "./node-keeper.ts";
import { openFleet } from "./open-fleet.ts";
import { Reconciler } from "./reconciler.ts";
import { RouterPool } from "./router-pool.ts";
import type { Scheduler } from "./scheduler.ts";
import { siteServerAddress, supervisorChannel } from "./site-server-address.ts";
import { startSchedules } from "./start-schedules.ts";
import { type RunningTasks, startTasks } from "./start-tasks.ts";
import { applySite, createAbandon, createSteps, type StepDeps } from "./steps.ts";

/** A step may unpack a gigabyte; anything longer is a fault. */
const stepTimeoutMs = 10 * 60_000;
/** Familiar addresses are remembered for 30 days. */
const keepAttemptsMs = Math.max(30 * 24 * 3_600_000, attemptWindowMs);

/** Runs operations and keeps sites as they should be. */
export const start: StartService = async (environment, log) => {
  const config = parseConfig(configSchema, environment);
  const key = await readClusterKey(config.BACKLOT_CLUSTER_KEY_FILE);
  await migrate({ url: config.DATABASE_URL, log });
  await using stack = new AsyncDisposableStack();
  const concurrency = config.BACKLOT_OPERATION_CONCURRENCY;
  const db = stack.adopt(openDatabase({ url: config.DATABASE_URL, maxConnections: concurrency + config.BACKLOT_TASK_CONCURRENCY + 4, log }), (opened) =>
    opened.destroy(),
  );
  const stores = createWorkerStores(db, { usesBroker: config.AMQP_URL !== undefined });
  const signer = await createSigner(key.signingKey);
  const fleet = await openFleet({ config, signer, stores, log, stack });
  const orchestrator = fleet.client;
  const deps = stepDepsOf({ config, secret: Buffer.from(key.secret, "base64url"), stores, signer, fleet });
  const owner = `${hostname()}-${process.pid}-${randomUUID()}`;
  const runner = new OperationRunner({
    queue: stores.queue,
    steps: createSteps(deps),
    abandon: createAbandon(deps),
    log,
    owner,
    concurrency,
    leaseMs: config.BACKLOT_OPERATION_LEASE_SECONDS * 1000,
    stepTimeoutMs,
  });
  const sweep = async (): Promise<void> => {
    const now = new Date();
    await stores.sessions.deleteExpired(now);
    await stores.attempts.deleteOlderThan(new Date(now.getTime() - keepAttemptsMs));
    await tasks.sweep();
  };
  const everyMs = config.BACKLOT_RECONCILE_SECONDS * 1000;
  const watch = new DatabaseWatch({ ...deps, log, everyMs, limitBytes: config.BACKLOT_SITE_DATABASE_BYTES });
  const reconciler = new Reconciler({ ...deps, queue: stores.queue, log, everyMs, sweep });
  const tasks = await startTasks({ config, stores, orchestrator, fleet, secret: Buffer.from(key.secret, "base64url"), worker: owner, log });
  stack.defer(() => tasks.stop());
  const scheduler = startSchedules({ config, stores, sites: new PostgresSiteStore(db), orchestrator, secret: Buffer.from(key.secret, "base64url"), log });
  stack.defer(() => scheduler.stop());
  const listener = listen({ config, log, runner, scheduler, tasks });
  stack.defer(() => listener.stop());
  watch.start();
  stack.defer(() => watch.stop());
  const apply = (site: Site, signal: AbortSignal): Promise<void> => applySite(deps, site, signal);
  const keeper = new NodeKeeper({ ...deps, queue: stores.queue, apply, log, everyMs: config.BACKLOT_NODE_BEAT_MS });
  keeper.start();
  stack.defer(() => keeper.stop());
  reconciler.start();
  stack.defer(() => reconciler.stop());
  runner.start();
  stack.defer(() => runner.stop());
  const health = await openHealth({ config, log, db, tasks });
  stack.defer(() => health.close());
  if (health.url !== null) log.info({ url: health.url }, "worker's health is told");
  const running = stack.move();
  return { doors: health.url === null ? {} : { worker: health.url }, stop: () => running.disposeAsync() };
};

/** What operations, the reconciler and the keeper of nodes act on. */
function stepDepsOf(parts: {
  readonly config: WorkerConfig;
  readonly secret: Uint8Array;
  readonly stores: ReturnType<typeof createWorkerStores>;
  readonly signer: GrantSigner;
  readonly fleet: Fleet;
}): StepDeps {
  const { config, secret, stores, signer, fleet } = parts;
  const { sites, databases, placements, images } = stores;
  const urls = config.BACKLOT_ROUTER_URLS.split(",").map((url) => url.trim());
  return {
    ...{ sites, databases, placements, images, fleet, orchestrator: fleet.client },
    routers: new RouterPool(urls.map((baseUrl) => createComponentClient({ baseUrl, audience: "router", caller: "worker", signer }))),
    seal: createSeal(secret, "site environment"),
    databaseServer: new PostgresSiteDatabaseServer(siteServerAddress(config.BACKLOT_SITE_DATABASE_URL, supervisorChannel())),
    databaseSeal: createSeal(secret, "site database"),
    mayEveryoneRun: config.BACKLOT_UNISOLATED_FOR_ALL,
  };
}

interface Parts {
  readonly config: WorkerConfig;
  readonly log: Log;
  readonly tasks: RunningTasks;
}

/** Hands on what the database says of new work. */
function listen({ config, log, runner, scheduler, tasks }: Parts & { readonly runner: OperationRunner; readonly scheduler: Scheduler }): Listener {
  const listener = new Listener({
    url: config.DATABASE_URL,
    log,
    onNotification: (channel, payload) => {
      if (channel === "operations") runner.hint();
      if (channel === "schedules") scheduler.hint();
      tasks.hear(channel, payload);
    },
    onConnected: () => {
      runner.hint();
      tasks.connected();
      scheduler.hint();
    },
    onDisconnected: () => tasks.disconnected(),
  });
  listener.start();
  return listener;
}

/** Ready is a worker that reaches its database and hears of new tasks at once. */
function openHealth({ config, log, db, tasks }: Parts & { readonly db: Database }): Promise<HealthDoor> {
  return openHealthDoor({
    log,
    host: config.BACKLOT_WORKER_HOST,
    port: config.BACKLOT_WORKER_PORT,
    socket: config.BACKLOT_WORKER_SOCKET,
    ready: async () => {
      const isThere = await isDatabaseThere(db);
      return isThere === true ? (tasks.health().problem ?? true) : isThere;
    },
    metrics: () => tasks.metrics(),
  });
}
