import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { claimEverySeconds } from "#contract/internal/site-rest.ts";
import { readComponentKey } from "#kit/cluster-key.ts";
import { ConfigError, parseConfig } from "#kit/config.ts";
import { createSigner, createVerifier } from "#kit/grant.ts";
import { componentGuard } from "#kit/http/component-guard.ts";
import { createServer } from "#kit/http/server.ts";
import type { Environment, RunningService } from "#kit/lifecycle.ts";
import type { Log } from "#kit/log.ts";
import { readVersion } from "#kit/version.ts";
import { mountAdmin } from "./admin.ts";
import { PageCache } from "./cache/page-cache.ts";
import { RedisPages } from "./cache/redis-pages.ts";
import { configSchema, type RouterConfig } from "./config.ts";
import { Edge } from "./edge/start-edge.ts";
import { mountTraefik, type TraefikProvider } from "./edge/traefik/mount-traefik.ts";
import { Front, type FrontOptions } from "./front/front.ts";
import { TroubleReport } from "./front/trouble-report.ts";
import { createVisitorServer } from "./front/visitor-server.ts";
import { SiteGates } from "./gate/site-gates.ts";
import { Waker } from "./gate/waker.ts";
import { createMetrics, type RouterMetrics, renderMetrics } from "./metrics.ts";
import { parseTrustedProxies } from "./proxy/forwarding.ts";
import { UpstreamClock } from "./proxy/upstream-clock.ts";
import { UpstreamPool } from "./proxy/upstream-pool.ts";
import { followRouteFeed } from "./routes/route-feed.ts";
import { SnapshotFile } from "./routes/route-snapshot.ts";
import { RouteState } from "./routes/route-state.ts";
import { FileStore } from "./static/file-store.ts";
import { StaticServer } from "./static/serve-static.ts";

/** How long requests of a site that was closed may go on: doors close within two seconds of the order. */
const shutGraceMs = 1000;

/** Starts the router: routes from disk, then both doors, then the manager's feed. */
export async function start(environment: Environment, log: Log): Promise<RunningService> {
  const config = parseConfig(configSchema, environment);
  const key = await readComponentKey(config.BACKLOT_COMPONENT_KEY_FILE);
  const metrics = createMetrics();
  const snapshot = new SnapshotFile(path.join(config.BACKLOT_DATA, "router", "routes.json"), log);
  const state = new RouteState(snapshot, log);
  await state.load();
  const clock = new UpstreamClock();
  const waker = new Waker({
    credentials: (siteId) => state.credentials(siteId),
    log,
    metrics,
    wakeMs: config.BACKLOT_ROUTER_WAKE_MS,
    awayMs: config.BACKLOT_ROUTER_AWAY_MS,
  });
  const troubles = new TroubleReport((siteId, lines) => waker.report(siteId, lines));
  const edge: Edge | null =
    config.BACKLOT_EDGE === "haproxy"
      ? await Edge.create({ config, table: state.table, sitesFolder: sitesFolderOf(config), troubles, visited: (siteId) => gates.visited(siteId), log })
      : null;
  const gates = createGates(config, { state, waker, clock, metrics, log, edge });
  const store = new FileStore(config.BACKLOT_ROUTER_CACHE_BYTES);
  const files = new StaticServer(store, log);
  state.table.onChange((siteId, route) => {
    if (route?.availability !== "enabled" || route.kind !== "static") files.shut(siteId);
  });
  const shared = createShared(config, log);
  const pages = createPages(config, state, shared);
  const front = createFront(config, { table: state.table, hasRoutes: () => state.isKnown, gates, files, pages, troubles, metrics, log, relay: edge?.sites });
  const server = createVisitorServer({ front, maxConnections: config.BACKLOT_ROUTER_MAX_CONNECTIONS });
  let isFeedConnected = false;
  const admin = createServer({
    log,
    ready: () => state.isKnown || "the manager has not sent any routes yet",
    metrics: () => {
      const { awake, waiting, inFlight: toSites } = gates.counts();
      const { size: routes, version } = state.table;
      return renderMetrics(metrics, { routes, version, isFeedConnected, awake, waiting, toSites, cachedBytes: store.cachedBytes, pages: pages.totals() });
    },
  });
  mountAdmin(admin, componentGuard({ audience: "router", verify: await createVerifier(key.managerPublicKey) }), {
    table: state.table,
    gates,
    pages,
    edge: edge?.sites,
  });
  if (config.BACKLOT_TRAEFIK_TOKEN !== undefined) {
    const own = (): string => urlOf(server.address());
    mountTraefik(admin, { ...traefikSettings(config), token: config.BACKLOT_TRAEFIK_TOKEN, routes: () => state.table.all(), ownAddress: own });
  }
  try {
    await admin.listen({ host: "127.0.0.1", port: config.BACKLOT_ROUTER_ADMIN_PORT });
    await (edge === null ? listen(server, config) : edge.start(server));
  } catch (error) {
    gates.stop();
    clock.stop();
    await shared?.close();
    await admin.close();
    throw error;
  }
  const feed = new AbortController();
  const following = followRouteFeed(
    {
      managerUrl: config.BACKLOT_MANAGER_URL,
      self: await describeSelf(config),
      signer: await createSigner(key.secret),
      log,
      silenceMs: config.BACKLOT_ROUTER_FEED_SILENCE_MS,
      onEvent: (event) => state.apply(event),
      onConnected: (isConnected) => {
        isFeedConnected = isConnected;
      },
    },
    feed.signal,
  );
  return {
    doors: { router: edge?.url ?? urlOf(server.address()), routerAdmin: urlOf(admin.server.address()) },
    stop: async () => {
      feed.abort();
      troubles.flush();
      await edge?.stop();
      await finishVisits(server, metrics, config.BACKLOT_ROUTER_STOP_MS);
      gates.stop();
      clock.stop();
      server.closeAllConnections();
      await Promise.all([following, admin.close(), shared?.close(), snapshot.flush()]);
    },
  };
}

function createGates(
  config: RouterConfig,
  deps: {
    readonly state: RouteState;
    readonly waker: Waker;
    readonly clock: UpstreamClock;
    readonly metrics: RouterMetrics;
    readonly log: Log;
    readonly edge: Edge | null;
  },
): SiteGates {
  const { state, waker, clock, metrics, log, edge } = deps;
  return new SiteGates({
    table: state.table,
    log,
    metrics,
    now: Date.now,
    wake: (siteId) => waker.wake(siteId),
    sleep: (siteId, instance) => waker.sleep(siteId, instance),
    freeze: (siteId, instance, sleepAfterSeconds) => waker.freeze(siteId, instance, sleepAfterSeconds),
    claim: (instances) => waker.claim(instances),
    freezeMs: config.BACKLOT_ROUTER_FREEZE_SECONDS * 1000,
    claimMs: claimEverySeconds * 1000,
    ...(edge === null ? {} : { edge: edge.sites, retarget: (siteId: number) => edge.sites.retarget(siteId) }),
    createPool: ({ address }) => new UpstreamPool(address, { clock, connectMs: config.BACKLOT_ROUTER_CONNECT_MS }),
    waitMs: config.BACKLOT_ROUTER_HOLD_MS,
    mostWaiting: config.BACKLOT_ROUTER_WAITING_REQUESTS,
    mostInFlight: config.BACKLOT_ROUTER_SITE_REQUESTS,
    sweepMs: config.BACKLOT_ROUTER_SWEEP_MS,
    shutGraceMs,
  });
}

/** A question of another router to a site is waited for as long as that, then this one asks too. */
const claimMs = 5_000;

function createShared(config: RouterConfig, log: Log): RedisPages | null {
  const { REDIS_URL: url, BACKLOT_ROUTER_REDIS_BYTES: mostBytes, BACKLOT_ROUTER_REDIS_MS: timeoutMs } = config;
  return url === undefined ? null : new RedisPages({ url, log, mostBytes, timeoutMs, claimMs });
}

function traefikSettings(config: RouterConfig): Pick<TraefikProvider, "activators" | "entryPoints" | "certResolver"> {
  const listed = (text: string): string[] =>
    text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "");
  return {
    activators: listed(config.BACKLOT_TRAEFIK_ACTIVATORS),
    entryPoints: listed(config.BACKLOT_TRAEFIK_ENTRY_POINTS),
    certResolver: config.BACKLOT_TRAEFIK_CERT_RESOLVER ?? null,
  };
}

function createPages(config: RouterConfig, state: RouteState, shared: RedisPages | null): PageCache {
  const limits = { mostBytes: config.BACKLOT_ROUTER_PAGE_CACHE_BYTES, mostPageBytes: config.BACKLOT_ROUTER_PAGE_BYTES };
  const pages = new PageCache(limits, shared);
  state.table.onChange((siteId, route) => pages.routeChanged(siteId, route));
  return pages;
}

function createFront(
  config: RouterConfig,
  parts: Pick<FrontOptions, "table" | "hasRoutes" | "gates" | "files" | "pages" | "troubles" | "metrics" | "log" | "relay">,
): Front {
  return new Front({
    ...parts,
    limits: limitsOf(config),
    sitesFolder: sitesFolderOf(config),
    sitesDomain: config.BACKLOT_SITES_DOMAIN,
    dashboardUrl: config.BACKLOT_PUBLIC_URL,
    trustedProxies: trustedProxiesOf(config),
  });
}

function sitesFolderOf(config: RouterConfig): string {
  return path.resolve(config.BACKLOT_SHARED_FOLDER ?? config.BACKLOT_DATA, "sites");
}

function limitsOf(config: RouterConfig): { readonly uploadStallMs: number; readonly responseHeadMs: number; readonly idleMs: number } {
  return {
    uploadStallMs: config.BACKLOT_ROUTER_UPLOAD_STALL_MS,
    responseHeadMs: config.BACKLOT_ROUTER_RESPONSE_HEAD_MS,
    idleMs: config.BACKLOT_ROUTER_IDLE_MS,
  };
}

function trustedProxiesOf(config: RouterConfig): ReturnType<typeof parseTrustedProxies> {
  try {
    return parseTrustedProxies(config.BACKLOT_ROUTER_TRUSTED_PROXIES);
  } catch (cause) {
    throw new ConfigError([`BACKLOT_ROUTER_TRUSTED_PROXIES: ${cause instanceof Error ? cause.message : "not usable"}`]);
  }
}

async function listen(server: Server, config: RouterConfig): Promise<void> {
  server.listen({ host: config.BACKLOT_HOST, port: config.BACKLOT_ROUTER_PORT, backlog: 1024 });
  try {
    await once(server, "listening");
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE")) throw cause;
    throw new ConfigError([`BACKLOT_ROUTER_PORT: another program uses port ${config.BACKLOT_ROUTER_PORT} already; end it, or choose another port`]);
  }
}

// No new connections; what is under way may end, and idle connections end at once.
async function finishVisits(server: Server, metrics: RouterMetrics, withinMs: number): Promise<void> {
  server.close();
  const deadline = Date.now() + withinMs;
  while (metrics.inFlight > 0 && Date.now() < deadline) {
    server.closeIdleConnections();
    await sleep(20);
  }
}

function urlOf(address: AddressInfo | string | null): string {
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const host = address.address === "0.0.0.0" || address.address === "::" ? "127.0.0.1" : address.address;
  return `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`;
}

// The data folder tells it from other routers of the host, also when it is started again.
async function describeSelf(config: RouterConfig): Promise<{ readonly id: string; readonly host: string; readonly version: string }> {
  const host = hostname();
  const folder = createHash("sha256").update(path.resolve(config.BACKLOT_DATA)).digest("hex").slice(0, 8);
  const id = `router-${host.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`.slice(0, 50);
  return { id: `${id}-${folder}`, host, version: await readVersion() };
}
