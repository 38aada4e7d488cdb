import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { OperationKind } from "#contract/api/views.ts";
import { defaultSiteLimits, type SiteKind } from "#contract/site.ts";
import type { Actor } from "#core/accounts/user.ts";
import { type OperationInputs, type PlanSubject, planOperation, type StepName, stepsOf } from "#core/operations/plan.ts";
import { type ActorSite, defaultSiteSettings } from "#core/sites/site.ts";
import { type Database, openDatabase } from "#db/database.ts";
import { PostgresReconcilerDatabaseStore } from "#db/sites/postgres-reconciler-database-store.ts";
import { PostgresSiteDatabaseServer } from "#db/sites/postgres-site-database-server.ts";
import { createStores } from "#db/stores.ts";
import { silentLog } from "#kit/log.ts";
import { createSeal } from "#kit/seal.ts";
import { createClusterKey } from "../../test/support/fake-component.ts";
import { endOf, KilledWorker } from "../../test/support/killed-worker.ts";
import { openStepCatcher } from "../../test/support/step-catcher.ts";
import { createTestDatabase, type TestDatabase } from "../../test/support/test-database.ts";
import { startWatchedSiteServer, type WatchedSiteServer } from "../../test/support/watched-site-server.ts";

const dynamic: PlanSubject = { kind: "dynamic", canRunTwice: true };
const alone: PlanSubject = { kind: "dynamic", canRunTwice: false };
const still: PlanSubject = { kind: "static", canRunTwice: true };
/** The machines between which a site is moved. */
const nodes = { from: "one", to: "other" };

interface Stage {
  readonly database: TestDatabase;
  readonly db: Database;
  readonly stores: ReturnType<typeof createStores>;
  readonly actor: Actor;
  readonly siteServer: WatchedSiteServer;
  readonly worker: KilledWorker;
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
  const catcher = cleanUp.use(await openStepCatcher(database.url));
  const worker = cleanUp.use(await KilledWorker.open({ databaseUrl: database.url, catcher, siteServer, key, keyFile }));
  stage = { database, db, stores, worker, key, siteServer, actor: { user, scopes: ["full"], door: "api", address: null } };
});
afterAll(() => cleanUp.disposeAsync());

/** Which call each step makes: at the first of them the step before it is done. What makes none is caught when its end is to be written down. */
const markOf: Readonly<Record<StepName, string>> = {
  apply: "site.apply",
  starter: "starter.place",
  publish: "routes.await",
  activate: "end of activate",
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
  makeDatabase: "end of makeDatabase",
  changePassword: "end of changePassword",
  dropDatabase: "end of dropDatabase",
  withdraw: "routes.await",
  remove: "site.remove",
  forget: "end of forget",
  settle: "site.apply",
  carry: "end of carry",
  leave: "end of leave",
};

/** The statements after which the worker dies while the server goes on: the effect is there, and nobody knows. */
const statementsOf: Readonly<Record<string, readonly string[]>> = {
  makeDatabase: ["create role", "commit", "create database", "revoke all"],
  changePassword: ["alter role"],
  dropDatabase: ["drop database", "drop role"],
};

/** Where the worker dies in a step. */
function marksOf(step: StepName, { subject, hasDatabase = false }: Case): readonly string[] {
  if (hasDatabase && step in statementsOf) return statementsOf[step] ?? [];
  if (step !== "carry" || subject.kind === "static") return [markOf[step]];
  return [...(subject.canRunTwice ? ["site.instance.start", "routes.switch"] : ["routes.hold", "site.leave", "site.instance.start"]), markOf[step]];
}

async function newSite(name: string, kind: SiteKind, input: OperationInputs["create"]): Promise<{ readonly site: ActorSite; readonly createId: string }> {
  const id = crypto.randomUUID();
  const operation = planOperation({ id, kind: "create", input, subject: { kind, canRunTwice: true }, requestedById: stage.actor.user.id });
  const { site } = await stage.stores.sites.create(
    stage.actor,
    { name, kind, purpose: "project", description: "", limits: defaultSiteLimits, settings: defaultSiteSettings, egress: "none", ownerLimit: null },
    operation,
  );
  return { site, createId: id };
}

async function settle(siteId: number): Promise<void> {
  await stage.db.updateTable("operations").set({ state: "succeeded", finishedAt: new Date() }).where("siteId", "=", siteId).execute();
  await stage.db.updateTable("sites").set({ lifecycle: "active" }).execute();
}

/** One operation that has to survive. */
interface Case<K extends OperationKind = OperationKind> {
  readonly kind: K;
  readonly input: OperationInputs[K];
  readonly subject: PlanSubject;
  readonly hasDatabase?: boolean;
}

// A new kind of operation does not compile until it is here.
const cases: { readonly [K in OperationKind]: readonly Omit<Case<K>, "kind">[] } = {
  create: [
    { input: { starter: "node" }, subject: dynamic },
    { input: { starter: null }, subject: still },
  ],
  rename: [{ input: {}, subject: dynamic }],
  configure: [
    { input: { needsRestart: true }, subject: dynamic },
    { input: { needsRestart: false }, subject: still },
    { input: { needsRestart: false, losesProgram: true }, subject: still },
  ],
  deploy: [
    { input: { uploadId: "upload-0001" }, subject: dynamic },
    { input: { uploadId: "upload-0001" }, subject: still },
  ],
  restart: [
    { input: {}, subject: dynamic },
    { input: {}, subject: alone },
  ],
  sleep: [{ input: {}, subject: dynamic }],
  wake: [{ input: {}, subject: dynamic }],
  delete: [
    { input: {}, subject: still },
    { input: {}, subject: dynamic, hasDatabase: true },
  ],
  "add-database": [{ input: {}, subject: dynamic, hasDatabase: true }],
  "change-database-password": [{ input: {}, subject: dynamic, hasDatabase: true }],
  "delete-database": [
    { input: {}, subject: dynamic, hasDatabase: true },
    { input: {}, subject: still, hasDatabase: true },
  ],
  move: [
    { input: nodes, subject: dynamic },
    { input: nodes, subject: alone },
    { input: nodes, subject: still },
  ],
};
const everyCase = Object.entries(cases).flatMap(([kind, of]) => of.map((one): Case => ({ ...one, kind: kind as OperationKind })));

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

function operationOf(id: string) {
  return stage.stores.operations.forActor(stage.actor, id);
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
test.each(everyCase)(
  "$kind of a site that is $subject ends although its worker is killed in every step, each time in a new process",
  async (of) => {
    const { kind, input, subject, hasDatabase = false } = of;
    const { site, createId } = await newSite(`s${crypto.randomUUID().slice(0, 8)}`, subject.kind, kind === "create" ? (input as never) : { starter: null });
    let operationId = createId;
    if (kind !== "create") {
      await settle(site.id);
      await stage.db
        .updateTable("sites")
        .set({ nodeId: kind === "move" ? nodes.from : null, settings: { ...defaultSiteSettings, canRunTwice: subject.canRunTwice } as never })
        .where("id", "=", site.id)
        .execute();
      operationId = crypto.randomUUID();
      const operation = planOperation({ id: operationId, kind, input: input as never, subject, requestedById: stage.actor.user.id });
      await queue(site, operation, hasDatabase);
    }
    const steps = stepsOf(kind, input as never, subject);
    const toKill = steps.flatMap((step) => marksOf(step, of));
    const hasEnded = async (): Promise<boolean> => ["succeeded", "failed"].includes((await operationOf(operationId))?.state ?? "");
    const { calls, specs, specsOfOther } = await stage.worker.surviveKills({ siteId: site.id, toKill, hasEnded, isMoved: kind === "move" });
    const ended = await operationOf(operationId);
    expect(ended).toMatchObject({ kind, state: "succeeded", failure: null });
    expect(ended?.steps.map((step) => step.state)).toEqual(steps.map(() => "succeeded"));
    expect(calls).toEqual(expect.arrayContaining(steps.map((step) => markOf[step]).filter((mark) => !mark.startsWith(endOf))));
    if (kind === "move") expect([specs.has(site.id), specsOfOther.has(site.id)]).toEqual([false, true]);
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
  300_000,
);
