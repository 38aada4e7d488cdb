import { randomBytes, randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import { pushEpochs } from "#contract/internal/orchestrator.ts";
import type { AuditInbox } from "#core/audit/audit-inbox.ts";
import type { AuditStore } from "#core/audit/audit-store.ts";
import type { Fleet } from "#core/nodes/fleet.ts";
import { PageRouters } from "#core/routes/page-routers.ts";
import type { RouteStore } from "#core/routes/route-store.ts";
import { CachedScriptShelf } from "#core/tasks/cached-script-shelf.ts";
import { scriptsOf } from "#core/tasks/orchestrator-scripts.ts";
import { type PlanTask, type PlanTaskDeps, planTask } from "#core/tasks/plan-task.ts";
import type { LegacyTaskStore } from "#core/tasks/task-store.ts";
import { type Database, openDatabase } from "#db/database.ts";
import { isDatabaseThere } from "#db/database-ready.ts";
import { Listener } from "#db/listener.ts";
import { migrate } from "#db/migrate.ts";
import { createStores } from "#db/stores.ts";
import { systemClock } from "#kit/clock.ts";
import { type ClusterKey, componentSecret, readClusterKey } from "#kit/cluster-key.ts";
import { type ComponentClient, createComponentClient } from "#kit/component-client.ts";
import { ConfigError, parseConfig } from "#kit/config.ts";
import { type EpochBump, EpochTable } from "#kit/epochs.ts";
import { createSigner, createVerifier, type GrantSigner } from "#kit/grant.ts";
import { Hints } from "#kit/hints.ts";
import { componentGuard } from "#kit/http/component-guard.ts";
import { Farewell } from "#kit/http/farewell.ts";
import { createServer } from "#kit/http/server.ts";
import type { RunningService, StartService } from "#kit/lifecycle.ts";
import type { Log } from "#kit/log.ts";
import { sitesDomainProblems } from "#kit/public-address.ts";
import { createSeal } from "#kit/seal.ts";
import { accessRenewals } from "./access-renewal.ts";
import { AccessWatch } from "./access-watch.ts";
import { mountAccounts } from "./accounts-api.ts";
import { argon2PasswordHasher } from "./argon2-password-hasher.ts";
import { createNote } from "./audit-trail.ts";
import { type CacheApiDeps, mountCache } from "./cache-api.ts";
import { configSchema, type ManagerConfig, publicAddresses } from "./config.ts";
import { answerUnknown, mountDashboard } from "./dashboard.ts";
import { mountDatabases } from "./database-api.ts";
import { DeedCollector } from "./deed-collector.ts";
import { DoorSessions, type DoorSessionsDeps } from "./doors/door-sessions.ts";
import { doorGuard, mountDoors } from "./doors/doors-api.ts";
import { watchFileChanges } from "./file-change-watch.ts";
import { mountFileHistory } from "./file-history-api.ts";
import { mountFiles } from "./files-api.ts";
import { firstAdministrator } from "./first-administrator.ts";
import { holdBack } from "./hold-back.ts";
import { mountImages } from "./images-api.ts";
import { type KeysDeps, mountKeys } from "./keys-api.ts";
import { knownDevices } from "./known-devices.ts";
import { BasicSignIn } from "./legacy-tasks/basic-sign-in.ts";
import { checkOpenApi } from "./legacy-tasks/legacy-guard.ts";
import { type LegacyTasksDeps, mountLegacyTasks } from "./legacy-tasks/legacy-tasks-api.ts";
import { mountNodes } from "./nodes-api.ts";
import { openFleet } from "./open-fleet.ts";
import { OrchestratorMirror } from "./orchestrator-mirror.ts";
import { personGuards } from "./person-guard.ts";
import { mountRouteFeed } from "./route-feed.ts";
import { RouterRoll } from "./router-roll.ts";
import { mountSchedules } from "./schedules-api.ts";
import { signInTurns } from "./sign-in-turns.ts";
import { mountSites } from "./sites-api.ts";
import { StreamAccess } from "./stream-access.ts";
import { mountStreams } from "./streams-api.ts";
import { mountSystem } from "./system-api.ts";
import { mountTasks } from "./tasks-api.ts";
import { mountTerminals } from "./terminals-api.ts";
import { mountTraffic, type TrafficApiDeps } from "./traffic-api.ts";

/** Connections to the database: requests are short, and eight cores' worth of them are enough for a small machine. */
const maxConnections = 10;

/** Serves the API, the dashboard and the route feed. */
export const start: StartService = async (environment, log) => {
  const config = parseConfig(configSchema, environment);
  const refusals = sitesDomainProblems(config, config.BACKLOT_PORT);
  if (refusals.length > 0) throw new ConfigError(refusals);
  checkOpenApi({ isOpen: config.BACKLOT_TASK_API_OPEN, host: config.BACKLOT_HOST, publicUrl: config.BACKLOT_PUBLIC_URL });
  const key = await readClusterKey(config.BACKLOT_CLUSTER_KEY_FILE);
  await migrate({ url: config.DATABASE_URL, log });
  await using stack = new AsyncDisposableStack();
  const db = stack.adopt(openDatabase({ url: config.DATABASE_URL, maxConnections, log }), (opened) => opened.destroy());
  const { doors, notices } = await serve({ config, key, db, log, stack });
  const running = stack.move();
  return { doors, notices, stop: () => running.disposeAsync() };
};

interface Wiring {
  readonly config: ManagerConfig;
  readonly key: ClusterKey;
  readonly db: Database;
  readonly log: Log;
  readonly stack: AsyncDisposableStack;
}

async function serve({ config, key, db, log, stack }: Wiring): Promise<Pick<RunningService, "doors"> & { readonly notices: readonly string[] }> {
  // With a broker each new task leaves a message for it; the workers' relay sends them.
  const stores = createStores(db, { usesBroker: config.AMQP_URL !== undefined });
  const signer = await createSigner(key.signingKey);
  const routers = new RouterRoll();
  const fleet = await openFleet({ config, signer, stores, routers, log, stack });
  const hints = new Hints();
  fleet.onChange(() => hints.notify("routes"));
  const mirror = new OrchestratorMirror(fleet.clients, log);
  const runPolicy = { mayEveryoneRunUnisolated: config.BACKLOT_UNISOLATED_FOR_ALL };
  const renewals = accessRenewals({ ...stores, orchestrators: fleet.clients, mirror, runPolicy });
  const access = new AccessWatch({ epochs: stores.epochs, table: new EpochTable(), push: pushesTo(fleet), renewals, log });
  mirror.onConnected = () => access.refresh();

  const hasher = argon2PasswordHasher;
  const administrator = firstAdministrator({ ...stores, hasher });
  const setUpSecret = await administrator.prepare(config.BACKLOT_ADMIN_PASSWORD);
  const app = createServer({ log, trustProxy: config.BACKLOT_TRUST_PROXY, ready: () => isDatabaseThere(db), notFound: answerUnknown });
  stack.defer(() => app.close());

  const { isSecure, sitePattern } = publicAddresses(config, config.BACKLOT_PORT);
  const guards = personGuards({ ...stores, isSecure });
  const note = createNote(stores.audit);
  const decoyHash = await hasher.hash(randomBytes(16).toString("hex"));
  const seal = createSeal(Buffer.from(key.secret, "base64url"), "site environment");
  const streams = { access: new StreamAccess({ access, stillSignedIn: guards.stillSignedIn }) };
  const shared = { ...stores, guards, note, mirror, fleet, orchestrator: fleet.client, runPolicy, sitePattern };
  const signingIn = { hasher, decoyHash, holdBack: holdBack(), inTurn: signInTurns() };
  const devices = knownDevices({ seal: createSeal(Buffer.from(key.secret, "base64url"), "known devices"), isSecure, now: Date.now });
  mountAccounts(app, { ...shared, ...signingIn, devices, firstAdministrator: administrator, isSecure });
  mountSites(app, { ...shared, seal, siteLimit: config.BACKLOT_SITE_LIMIT, awakeLimit: config.BACKLOT_AWAKE_SITES, siteEgress: config.BACKLOT_SITE_EGRESS });
  const databaseSeal = createSeal(Buffer.from(key.secret, "base64url"), "site database");
  mountDatabases(app, { ...shared, databaseSeal, databaseBytes: config.BACKLOT_SITE_DATABASE_BYTES });
  mountFiles(app, shared);
  const pages = mountVisitors(app, { ...shared, pageRouters: pageRoutersOf(config, signer) });
  mountFileHistory(app, { ...shared, ...streams });
  mountStreams(app, { ...shared, ...streams, hints });
  mountTerminals(app, { ...shared, ...streams });
  mountNodes(app, shared);
  mountImages(app, shared);
  const planning = planningOf({ ...shared, config, key });
  mountTasks(app, { ...shared, ...planning, ...streams, hints, maxWaiting: config.BACKLOT_TASKS_WAITING });
  mountSchedules(app, { ...shared, ...schedulingOf({ key, planning }), maxWaiting: config.BACKLOT_TASKS_WAITING });
  const basic = new BasicSignIn({ ...shared, ...signingIn, now: () => new Date() });
  await mountLegacyTasks(app, legacyTasksOf({ ...shared, planning, config, basic }));
  await mountDoorsAndKeys(app, { ...shared, ...signingIn, config, key, signer, access, publicUrl: config.BACKLOT_PUBLIC_URL });
  await mountSystem(app, { ...shared, allowsCommands: planning.allowsCommands });
  mountRouteFeed(app, {
    guard: componentGuard({ audience: "manager", verify: await createVerifier(componentSecret(key, "router")) }),
    routes: stores.routes,
    signer,
    sitesDomain: config.BACKLOT_SITES_DOMAIN,
    fleet,
    routers,
    hints,
  });
  await mountDashboard(app);

  const listener = listenerFor({ config, log, hints, access });
  listener.start();
  stack.defer(() => listener.stop());
  mirror.start();
  stack.defer(() => mirror.stop());
  followEach(fleet, { inbox: stores.auditInbox, pages, log, stack });
  const opened = await open(app, config, stack);
  const { dashboard } = publicAddresses(config, opened);
  const notices = setUpSecret === null ? [] : [`Set the administrator's password (works once): ${dashboard}/setup/${setUpSecret}`];
  return { doors: { manager: `http://${config.BACKLOT_HOST}:${opened}` }, notices };
}

/** Opens the door, and gives its port. */
async function open(app: FastifyInstance, config: ManagerConfig, stack: AsyncDisposableStack): Promise<number> {
  const farewell = new Farewell();
  farewell.watch(app);
  await app.listen({ host: config.BACKLOT_HOST, port: config.BACKLOT_PORT });
  // First of all when it ends: what is under way still needs everything.
  stack.defer(() => farewell.end());
  return (app.server.address() as AddressInfo).port;
}

/** Takes from every orchestrator what was done to files there. */
function followEach(
  fleet: Fleet,
  parts: { readonly inbox: AuditInbox; readonly pages: PageRouters; readonly log: Log; readonly stack: AsyncDisposableStack },
): void {
  const { inbox, pages, log, stack } = parts;
  for (const orchestrator of fleet.clients) {
    for (const loop of [new DeedCollector({ orchestrator, inbox, log }).loop(), watchFileChanges({ orchestrator, pages, log })]) {
      loop.start();
      stack.defer(() => loop.stop());
    }
  }
}

/** Serves what routers know of sites' visitors, and of the answers that they keep for them. */
function mountVisitors(app: FastifyInstance, deps: Omit<CacheApiDeps, "pages"> & TrafficApiDeps & { readonly routes: RouteStore }): PageRouters {
  const pages = new PageRouters(deps.pageRouters, deps.routes);
  mountCache(app, { ...deps, pages });
  mountTraffic(app, deps);
  return pages;
}

function pageRoutersOf(config: ManagerConfig, signer: GrantSigner): ComponentClient[] {
  const urls = config.BACKLOT_ROUTER_URLS.split(",").map((url) => url.trim());
  return urls.filter((url) => url !== "").map((baseUrl) => createComponentClient({ baseUrl, audience: "router", caller: "manager", signer }));
}

function pushesTo(fleet: Fleet): (bump: EpochBump) => Promise<void> {
  return async (bump) => {
    const sites = bump.sites.map(([id, epoch]) => [id, epoch] as [number, number]);
    const users = bump.users.map(([id, epoch]) => [id, epoch] as [number, number]);
    // Each is told, whether another one answers or not.
    const told = await Promise.allSettled(fleet.clients.map((client) => client.call(pushEpochs, { body: { sites, users } })));
    for (const outcome of told) if (outcome.status === "rejected") throw outcome.reason;
  };
}

/** Serves the doors beside the dashboard, and the keys by which people come in there. */
async function mountDoorsAndKeys(
  app: FastifyInstance,
  deps: Omit<DoorSessionsDeps, "seal" | "demoAccount"> & KeysDeps & { readonly config: ManagerConfig; readonly key: ClusterKey; readonly access: AccessWatch },
): Promise<void> {
  const { config, key, access, settings } = deps;
  const seal = createSeal(Buffer.from(key.secret, "base64url"), "door session");
  const sessions = new DoorSessions({ ...deps, seal, demoAccount: config.BACKLOT_FTP_DEMO_ACCOUNT });
  mountDoors(app, { guard: await doorGuard(key), sessions, access, settings });
  mountKeys(app, deps);
}

/** Hears of changes that other processes made, and passes them on to whoever waits for them. */
function listenerFor(deps: { readonly config: ManagerConfig; readonly log: Log; readonly hints: Hints; readonly access: AccessWatch }): Listener {
  const { config, log, hints, access } = deps;
  return new Listener({
    url: config.DATABASE_URL,
    log,
    onNotification: (channel, payload) => {
      if (channel === "operations" || channel === "tasks") hints.notify(payload);
      else if (channel === "routes") hints.notify("routes");
      else if (channel === "epochs") access.apply(JSON.parse(payload) as EpochBump);
    },
    onConnected: () => {
      hints.notifyAll();
      access.refresh();
    },
  });
}

/** What the original's task API needs. */
function legacyTasksOf(deps: {
  readonly legacyTasks: LegacyTaskStore;
  readonly audit: AuditStore;
  readonly guards: ReturnType<typeof personGuards>;
  readonly planning: PlanTaskDeps;
  readonly config: ManagerConfig;
  readonly basic: BasicSignIn;
}): LegacyTasksDeps {
  return {
    tasks: deps.legacyTasks,
    audit: deps.audit,
    scripts: deps.planning.scripts,
    person: deps.guards.person,
    basic: deps.basic,
    isOpen: deps.config.BACKLOT_TASK_API_OPEN,
    allowsCommands: deps.planning.allowsCommands,
    maxWaiting: deps.config.BACKLOT_TASKS_WAITING,
    now: () => new Date(),
  };
}

/** What deciding about a new task needs, whoever asks for one. */
function planningOf(
  deps: Omit<PlanTaskDeps, "host" | "scripts" | "allowsCommands" | "seal" | "newId"> & {
    readonly config: ManagerConfig;
    readonly key: ClusterKey;
    readonly mirror: OrchestratorMirror;
    readonly orchestrator: ComponentClient;
  },
): PlanTaskDeps {
  const { config, key, mirror, orchestrator, sites, runPolicy } = deps;
  return {
    sites,
    runPolicy,
    host: mirror,
    scripts: new CachedScriptShelf(scriptsOf(orchestrator), systemClock),
    allowsCommands: config.BACKLOT_TASK_COMMANDS,
    seal: createSeal(Buffer.from(key.secret, "base64url"), "task environment").seal,
    newId: randomUUID,
  };
}

/** What making and changing schedules needs beyond the stores. */
function schedulingOf({ key, planning }: { readonly key: ClusterKey; readonly planning: PlanTaskDeps }) {
  return {
    plan: (...asked: Parameters<PlanTask>) => planTask(planning, ...asked),
    seal: createSeal(Buffer.from(key.secret, "base64url"), "schedule environment"),
    clock: systemClock,
    newId: randomUUID,
  };
}
