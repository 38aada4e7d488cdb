import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { OperationKind } from "#contract/api/views.ts";
import { defaultSiteLimits } from "#contract/site.ts";
import type { Actor } from "#core/accounts/user.ts";
import { type OperationInputs, type PlanSubject, planOperation, stepsOf } from "#core/operations/plan.ts";
import { type ActorSite, defaultSiteSettings } from "#core/sites/site.ts";
import { type Database, openDatabase } from "#db/database.ts";
import { PostgresReconcilerDatabaseStore } from "#db/sites/postgres-reconciler-database-store.ts";
import { PostgresSiteDatabaseServer } from "#db/sites/postgres-site-database-server.ts";
import { createStores } from "#db/stores.ts";
import { silentLog } from "#kit/log.ts";
import { createSeal } from "#kit/seal.ts";
import { childEnvironment } from "../../test/support/child-environment.ts";
import { createClusterKey, type FakeComponent, type ReceivedCall } from "../../test/support/fake-component.ts";
import { startFakeOrchestrator } from "../../test/support/fake-orchestrator.ts";
import { startFakeRouter } from "../../test/support/fake-router.ts";
import { createTestDatabase, type TestDatabase } from "../../test/support/test-database.ts";
import { startWatchedSiteServer, type WatchedSiteServer } from "../../test/support/watched-site-server.ts";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));
const dynamic: PlanSubject = { kind: "dynamic", canRunTwice: true };

interface Stage {
  readonly database: TestDatabase;
  readonly db: Database;
  readonly stores: ReturnType<typeof createStores>;
  readonly actor: Actor;
  readonly siteServer: WatchedSiteServer;
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
  const siteServer = cleanUp.use(await startWatchedSiteServer());
  stage = { database, db, stores, keyFile, key, siteServer, actor: { user, scopes: ["full"], door: "api", address: null } };
});
afterAll(() => cleanUp.disposeAsync());

/** A worker in an operating-system process of its own. */
function startWorker(parts: { readonly databaseUrl: string; readonly orchestrator: FakeComponent; readonly router: FakeComponent }): ChildProcess {
  return spawn(process.execPath, [main, "run", "worker"], {
    env: {
      ...childEnvironment,
      DATABASE_URL: parts.databaseUrl,
      BACKLOT_CLUSTER_KEY_FILE: stage.keyFile,
      BACKLOT_ORCHESTRATOR_URL: parts.orchestrator.url,
      BACKLOT_ROUTER_URLS: parts.router.url,
      BACKLOT_SITE_DATABASE_URL: stage.siteServer.url,
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

/** The statements after which the worker dies while the server goes on: the effect is there, and nobody knows. */
const statementsOf: Readonly<Record<string, readonly string[]>> = {
  makeDatabase: ["create role", "commit", "create database", "revoke all"],
  changePassword: ["alter role"],
  dropDatabase: ["drop database", "drop role"],
};

/** Runs one operation while its worker is killed at the beginning of every step; gives what was called. */
async function surviveKills(
  site: ActorSite,
  operationId: string,
  given: { readonly steps: readonly string[]; readonly hasDatabase: boolean },
): Promise<{ readonly calls: readonly string[]; readonly specs: ReadonlyMap<number, unknown> }> {
  await using orchestrator = await startFakeOrchestrator(stage.key);
  await using router = await startFakeRouter(stage.key);
  orchestrator.state.statuses.set(site.id, { state: "running", reason: null, since: "2026-11-21T12:00:00.000Z" });
  const toKill = given.steps.flatMap((step) => (given.hasDatabase ? statementsOf[step] : undefined) ?? markOf[step] ?? []);
  let worker: ChildProcess | undefined;
  let killed = 0;
  const killAt = async (matches: (mark: string) => boolean): Promise<void> => {
    const mark = toKill[killed];
    if (mark === undefined || !matches(mark) || worker === undefined) return;
    killed += 1;
    const gone = once(worker, "exit");
    worker.kill("SIGKILL");
    // The fake goes on and does what it was asked: the worker dies between the effect and writing it down.
    await gone;
  };
  const onCall = (call: ReceivedCall): Promise<void> => killAt((mark) => call.id === mark);
  orchestrator.onCall = onCall;
  router.onCall = onCall;
  stage.siteServer.onStatement = (text) => killAt((mark) => text.includes(mark));
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
  return { calls: [...orchestrator.calls, ...router.calls].map((call) => call.id), specs: orchestrator.state.specs };
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

async function settle(siteId: number): Promise<void> {
  await stage.db.updateTable("operations").set({ state: "succeeded", finishedAt: new Date() }).where("siteId", "=", siteId).execute();
  await stage.db.updateTable("sites").set({ lifecycle: "active" }).execute();
}

const cases: readonly {
  readonly [K in OperationKind]: { readonly kind: K; readonly input: OperationInputs[K]; readonly subject: PlanSubject; readonly hasDatabase?: boolean };
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
  { kind: "delete", input: {}, subject: dynamic, hasDatabase: true },
  { kind: "add-database", input: {}, subject: dynamic, hasDatabase: true },
  { kind: "change-database-password", input: {}, subject: dynamic, hasDatabase: true },
  { kind: "delete-database", input: {}, subject: dynamic, hasDatabase: true },
];

/** Queues an operation as the use-cases do; a database that it needs is made before. */
async function queue(site: ActorSite, operation: ReturnType<typeof planOperation>, hasDatabase: boolean): Promise<void> {
  const { sites, operations, databases } = stage.stores;
  const password = (text: string) => createSeal(Buffer.from(stage.key.secret, "base64url"), "site database").seal(text);
  const made = { id: crypto.randomUUID(), password: password("first") };
  if (operation.kind === "add-database") return void (await databases.add(site, made, operation));
  if (hasDatabase) {
    await databases.add(site, made, { ...operation, id: crypto.randomUUID(), kind: "add-database" });
    await settle(site.id);
    await new PostgresSiteDatabaseServer(async () => stage.siteServer.directUrl).make({ name: `site_${site.id}`, id: made.id }, "first");
    await new PostgresReconcilerDatabaseStore(stage.db).markReady(site.id);
  }
  if (operation.kind === "delete") await sites.delete(site, operation);
  else if (operation.kind === "delete-database") await databases.delete(site, operation);
  else if (operation.kind === "change-database-password") await databases.changePassword(site, password("second"), operation);
  else await operations.queue(site, operation);
}

/** With which of the passwords the site's role gets in; null when there is no such database. */
async function passwordOf(site: ActorSite): Promise<string | null> {
  const host = new URL(stage.siteServer.directUrl).searchParams.get("host") ?? "";
  for (const password of ["first", "second"]) {
    const client = new pg.Client({ host, user: `site_${site.id}`, database: `site_${site.id}`, password });
    const isIn = await client.connect().then(
      () => true,
      () => false,
    );
    await client.end().catch(() => undefined);
    if (isIn) return password;
  }
  return null;
}

// One after the other: each worker claims whatever is queued in this database.
test.each(cases)(
  "$kind ends although its worker is killed at the beginning of every step, each time in a new process",
  async ({ kind, input, subject, hasDatabase = false }) => {
    const { site, createId } = await newSite(`s${crypto.randomUUID().slice(0, 8)}`);
    let operationId = createId;
    if (kind !== "create") {
      await settle(site.id);
      operationId = crypto.randomUUID();
      const operation = planOperation({ id: operationId, kind, input: input as never, subject, requestedById: stage.actor.user.id });
      await queue(site, operation, hasDatabase);
    }
    const steps = stepsOf(kind, input as never, subject);
    const { calls, specs } = await surviveKills(site, operationId, { steps, hasDatabase });
    const ended = await stage.stores.operations.forActor(stage.actor, operationId);
    expect(ended).toMatchObject({ kind, state: "succeeded", failure: null });
    expect(ended?.steps.map((step) => step.state)).toEqual(steps.map(() => "succeeded"));
    for (const step of steps) if (step in markOf) expect(calls).toContain(markOf[step]);
    if (hasDatabase) {
      const password = { delete: null, "delete-database": null, "add-database": "first", "change-database-password": "second" }[kind as string] ?? null;
      expect(await passwordOf(site)).toBe(password);
      expect(await new PostgresReconcilerDatabaseStore(stage.db).bySite(site.id)).toEqual(
        password === null ? null : expect.objectContaining({ lifecycle: "ready", pendingPassword: null }),
      );
      const name = `site_${site.id}`;
      if (kind !== "delete") expect(specs.get(site.id)).toMatchObject({ database: password === null ? null : { name, username: name, password } });
    }
    // Each started instance carries the operation's own key: however often it was asked for, there is one.
    if (kind === "delete") expect(await stage.stores.sites.forActor(stage.actor, site.name)).toBeNull();
  },
  120_000,
);
