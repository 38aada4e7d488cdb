import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { OperationKind } from "#contract/api/views.ts";
import { defaultSiteLimits } from "#contract/site.ts";
import type { Actor } from "#core/accounts/user.ts";
import { type OperationInputs, type PlanSubject, planOperation, stepsOf } from "#core/operations/plan.ts";
import { type ActorSite, defaultSiteSettings } from "#core/sites/site.ts";
import { type Database, openDatabase } from "#db/database.ts";
import { createStores } from "#db/stores.ts";
import { silentLog } from "#kit/log.ts";
import { createClusterKey, type FakeComponent, type ReceivedCall } from "../../test/support/fake-component.ts";
import { startFakeOrchestrator } from "../../test/support/fake-orchestrator.ts";
import { startFakeRouter } from "../../test/support/fake-router.ts";
import { createTestDatabase, type TestDatabase } from "../../test/support/test-database.ts";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));
const dynamic: PlanSubject = { kind: "dynamic", canRunTwice: true };

interface Stage {
  readonly database: TestDatabase;
  readonly db: Database;
  readonly stores: ReturnType<typeof createStores>;
  readonly actor: Actor;
  readonly keyFile: string;
  readonly key: Awaited<ReturnType<typeof createClusterKey>>;
}

let stage: Stage;
const cleanUp = new AsyncDisposableStack();

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "backlot-worker-"));
  cleanUp.defer(() => rm(folder, { recursive: true, force: true }));
  const key = await createClusterKey();
  const keyFile = join(folder, "cluster.json");
  await writeFile(keyFile, JSON.stringify(key));
  const database = cleanUp.use(await createTestDatabase());
  const db = cleanUp.adopt(openDatabase({ url: database.url, maxConnections: 4, log: silentLog() }), (opened) => opened.destroy());
  const stores = createStores(db);
  const user = await stores.users.create({ username: "ada", passwordHash: null, role: "member" });
  stage = { database, db, stores, keyFile, key, actor: { user, scopes: ["full"], door: "api", address: null } };
});
afterAll(() => cleanUp.disposeAsync());

/** A worker in an operating-system process of its own. */
function startWorker(parts: { readonly databaseUrl: string; readonly orchestrator: FakeComponent; readonly router: FakeComponent }): ChildProcess {
  return spawn(process.execPath, [main, "run", "worker"], {
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: parts.databaseUrl,
      BACKLOT_CLUSTER_KEY_FILE: stage.keyFile,
      BACKLOT_ORCHESTRATOR_URL: parts.orchestrator.url,
      BACKLOT_ROUTER_URLS: parts.router.url,
      BACKLOT_OPERATION_LEASE_SECONDS: "1",
      BACKLOT_RECONCILE_SECONDS: "3600",
      BACKLOT_LOG_LEVEL: "error",
    },
    stdio: ["ignore", "inherit", "inherit"],
  });
}

/** Which calls a step makes: the first of them marks that the step before it is done. */
const markOf: Readonly<Record<string, string>> = {
  apply: "site.apply",
  starter: "starter.place",
  publish: "routes.await",
  unpack: "deployment.unpack",
  place: "deployment.place",
  refresh: "site.status",
  start: "site.instance.start",
  switch: "routes.switch",
  retire: "site.instance.retire",
  hold: "routes.hold",
  stop: "site.sleep",
  release: "routes.release",
  wake: "site.wake",
  withdraw: "routes.await",
  remove: "site.remove",
};

/** Runs one operation while its worker is killed at the beginning of every step; gives what was called. */
async function surviveKills(site: ActorSite, operationId: string, steps: readonly string[]): Promise<readonly string[]> {
  await using orchestrator = await startFakeOrchestrator(stage.key);
  await using router = await startFakeRouter(stage.key);
  orchestrator.state.statuses.set(site.id, { state: "running", reason: null, since: "2026-11-21T12:00:00.000Z" });
  const toKill = steps.filter((step) => step in markOf);
  let worker: ChildProcess | undefined;
  let killed = 0;
  const onCall = async (call: ReceivedCall): Promise<void> => {
    const mark = markOf[toKill[killed] ?? ""];
    if (call.id !== mark || worker === undefined) return;
    killed += 1;
    const gone = once(worker, "exit");
    worker.kill("SIGKILL");
    // The fake goes on and does what it was asked: the worker dies between the effect and writing it down.
    await gone;
  };
  orchestrator.onCall = onCall;
  router.onCall = onCall;
  const deadline = Date.now() + 90_000;
  const isRunning = async (): Promise<boolean> => {
    const operation = await stage.stores.operations.forActor(stage.actor, operationId);
    return operation?.state !== "succeeded" && operation?.state !== "failed";
  };
  while (await isRunning()) {
    if (Date.now() > deadline) throw new Error(`still running after ${killed} kills`);
    if (worker === undefined || worker.exitCode !== null || worker.signalCode !== null)
      worker = startWorker({ databaseUrl: stage.database.url, orchestrator, router });
    await delay(50);
  }
  if (worker !== undefined && worker.exitCode === null && worker.signalCode === null) {
    const gone = once(worker, "exit");
    worker.kill("SIGTERM");
    await gone;
  }
  expect(killed).toBe(toKill.length);
  return [...orchestrator.calls, ...router.calls].map((call) => call.id);
}

async function newSite(name: string): Promise<{ readonly site: ActorSite; readonly createId: string }> {
  const id = crypto.randomUUID();
  const operation = planOperation({ id, kind: "create", input: { starter: "node" }, subject: dynamic, requestedById: stage.actor.user.id });
  const { site } = await stage.stores.sites.create(
    stage.actor,
    { name, kind: "dynamic", purpose: "project", description: "", limits: defaultSiteLimits, settings: defaultSiteSettings, egress: "none", ownerLimit: null },
    operation,
  );
  return { site, createId: id };
}

async function settle(operationId: string): Promise<void> {
  await stage.db.updateTable("operations").set({ state: "succeeded", finishedAt: new Date() }).where("id", "=", operationId).execute();
  await stage.db.updateTable("sites").set({ lifecycle: "active" }).execute();
}

const cases: readonly {
  readonly [K in OperationKind]: { readonly kind: K; readonly input: OperationInputs[K]; readonly subject: PlanSubject };
}[OperationKind][] = [
  { kind: "create", input: { starter: "node" }, subject: dynamic },
  { kind: "rename", input: {}, subject: dynamic },
  { kind: "configure", input: { needsRestart: true }, subject: dynamic },
  { kind: "deploy", input: { uploadId: "upload-0001" }, subject: dynamic },
  { kind: "restart", input: {}, subject: dynamic },
  { kind: "restart", input: {}, subject: { ...dynamic, canRunTwice: false } },
  { kind: "sleep", input: {}, subject: dynamic },
  { kind: "wake", input: {}, subject: dynamic },
  { kind: "delete", input: {}, subject: dynamic },
];

// One after the other: each worker claims whatever is queued in this database.
test.each(cases)(
  "$kind ends although its worker is killed at the beginning of every step, each time in a new process",
  async ({ kind, input, subject }) => {
    const { site, createId } = await newSite(`s${crypto.randomUUID().slice(0, 8)}`);
    let operationId = createId;
    if (kind !== "create") {
      await settle(createId);
      operationId = crypto.randomUUID();
      const operation = planOperation({ id: operationId, kind, input: input as never, subject, requestedById: stage.actor.user.id });
      if (kind === "delete") await stage.stores.sites.delete(site, operation);
      else await stage.stores.operations.queue(site, operation);
    }
    const steps = stepsOf(kind, input as never, subject);
    const calls = await surviveKills(site, operationId, steps);
    const ended = await stage.stores.operations.forActor(stage.actor, operationId);
    expect(ended).toMatchObject({ kind, state: "succeeded", failure: null });
    expect(ended?.steps.map((step) => step.state)).toEqual(steps.map(() => "succeeded"));
    for (const step of steps) if (step in markOf) expect(calls).toContain(markOf[step]);
    // Each started instance carries the operation's own key: however often it was asked for, there is one.
    if (kind === "delete") expect(await stage.stores.sites.forActor(stage.actor, site.name)).toBeNull();
  },
  120_000,
);
