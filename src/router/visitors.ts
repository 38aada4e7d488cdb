import type { Server } from "node:http";
import path from "node:path";
import { claimEverySeconds } from "#contract/internal/site-rest.ts";
import { steadyNow } from "#kit/clock.ts";
import { ConfigError } from "#kit/config.ts";
import type { Log } from "#kit/log.ts";
import { PageCache } from "./cache/page-cache.ts";
import type { RedisPages } from "./cache/redis-pages.ts";
import type { RouterConfig } from "./config.ts";
import { Edge } from "./edge/start-edge.ts";
import { Front, type FrontOptions } from "./front/front.ts";
import { TroubleReport } from "./front/trouble-report.ts";
import { createVisitorServer } from "./front/visitor-server.ts";
import { addressesOfMachine, doorOf, isPlatforms } from "./gate/platform-doors.ts";
import { SiteGates } from "./gate/site-gates.ts";
import { Waker } from "./gate/waker.ts";
import type { RouterMetrics } from "./metrics.ts";
import { parseTrustedProxies } from "./proxy/forwarding.ts";
import { UpstreamClock } from "./proxy/upstream-clock.ts";
import { UpstreamPool } from "./proxy/upstream-pool.ts";
import type { RouteState } from "./routes/route-state.ts";
import { FileStore } from "./static/file-store.ts";
import { StaticServer } from "./static/serve-static.ts";
import { TrafficBook } from "./traffic/traffic-book.ts";

/** How long requests of a site that was closed may go on: doors close within two seconds of the order. */
const shutGraceMs = 1000;

/** Everything that visitors' requests go through; its server does not listen yet. */
export interface Visitors {
  readonly server: Server;
  readonly gates: SiteGates;
  readonly pages: PageCache;
  readonly traffic: TrafficBook;
  /** Null: visitors come to `server` itself. */
  readonly edge: Edge | null;
  readonly troubles: TroubleReport;
  /** Bytes of static files in memory. */
  cachedBytes(): number;
  /** Ends what goes on by itself; requests under way are not waited for. */
  close(): Promise<void>;
}

/** Puts together what visitors' requests go through. @throws {ConfigError} for a setting that cannot be used. */
export async function openVisitors(
  config: RouterConfig,
  deps: {
    readonly state: RouteState;
    readonly metrics: RouterMetrics;
    readonly log: Log;
    /** Addresses of this router's doors, as they open: their ports may be of the system's choice. */
    readonly ownDoors: readonly string[];
  },
): Promise<Visitors> {
  const { state, metrics, log, ownDoors } = deps;
  const clock = new UpstreamClock();
  const waker = new Waker({
    credentials: (siteId) => state.credentials(siteId),
    orchestrators: () => state.orchestrators(),
    log,
    metrics,
    wakeMs: config.BACKLOT_ROUTER_WAKE_MS,
    awayMs: config.BACKLOT_ROUTER_AWAY_MS,
  });
  const troubles = new TroubleReport((siteId, lines) => waker.report(siteId, lines));
  const traffic = new TrafficBook();
  const atEdge = { config, table: state.table, sitesFolder: sitesFolderOf(config), traffic, troubles, log };
  const edge: Edge | null =
    config.BACKLOT_EDGE === "haproxy" ? await Edge.create({ ...atEdge, visited: (siteId, isVisit) => gates.visited(siteId, isVisit) }) : null;
  const gates = createGates(config, { state, waker, clock, metrics, log, edge, ownDoors });
  const store = new FileStore(config.BACKLOT_ROUTER_CACHE_BYTES);
  const files = new StaticServer(store, log);
  state.table.onChange((siteId, route) => {
    if (route?.availability !== "enabled" || route.kind !== "static") files.shut(siteId);
    if (route === undefined) traffic.forget(siteId);
  });
  const shared = await createShared(config, log);
  const pages = createPages(config, { state, shared, traffic });
  // What comes by way of a balancer is counted by its log, which knows of the rest too.
  const counting = edge === null ? { traffic } : { relay: edge.sites };
  const front = createFront(config, { table: state.table, hasRoutes: () => state.isKnown, gates, files, pages, troubles, metrics, log, ...counting });
  return {
    server: createVisitorServer({ front, maxConnections: config.BACKLOT_ROUTER_MAX_CONNECTIONS }),
    gates,
    pages,
    traffic,
    edge,
    troubles,
    cachedBytes: () => store.cachedBytes,
    close: async () => {
      gates.stop();
      clock.stop();
      pages.close();
      await shared?.close();
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
    readonly ownDoors: readonly string[];
  },
): SiteGates {
  const { state, waker, clock, metrics, log, edge, ownDoors } = deps;
  return new SiteGates({
    table: state.table,
    log,
    metrics,
    now: steadyNow,
    wake: (siteId) => waker.wake(siteId),
    sleep: (siteId, instance) => waker.sleep(siteId, instance),
    freeze: (siteId, instance, sleepAfterSeconds) => waker.freeze(siteId, instance, sleepAfterSeconds),
    claim: (instances) => waker.claim(instances),
    freezeMs: config.BACKLOT_ROUTER_FREEZE_SECONDS * 1000,
    claimMs: claimEverySeconds * 1000,
    isForbidden: (address) => isPlatforms(address, { ownAddresses: addressesOfMachine(), doors: doorsOf(config, [...ownDoors, ...state.orchestrators()]) }),
    ...(edge === null ? {} : { edge: edge.sites, retarget: (siteId: number) => edge.sites.retarget(siteId) }),
    createPool: ({ address }) => new UpstreamPool(address, { clock, connectMs: config.BACKLOT_ROUTER_CONNECT_MS }),
    waitMs: config.BACKLOT_ROUTER_HOLD_MS,
    mostWaiting: config.BACKLOT_ROUTER_WAITING_REQUESTS,
    mostInFlight: config.BACKLOT_ROUTER_SITE_REQUESTS,
    sweepMs: config.BACKLOT_ROUTER_SWEEP_MS,
    shutGraceMs,
  });
}

/** Where the platform listens: told anew each time, since doors open after this, and orchestrators come and go. */
function doorsOf(config: RouterConfig, told: readonly string[]): readonly { readonly host: string; readonly port: number }[] {
  const own = [config.BACKLOT_ROUTER_PORT, config.BACKLOT_ROUTER_ADMIN_PORT, config.BACKLOT_EDGE_STATISTICS_PORT, config.BACKLOT_EDGE_TLS_PORT];
  const urls = [config.BACKLOT_MANAGER_URL, config.BACKLOT_PUBLIC_URL ?? "", config.REDIS_URL ?? "", ...told];
  const managers = config.BACKLOT_EDGE_MANAGERS.split(",").map((address) => `http://${address.trim()}`);
  return [...own.map((port) => ({ host: "127.0.0.1", port })), ...[...urls, ...managers].flatMap((url) => doorOf(url) ?? [])];
}

/** A question of another router to a site is waited for as long as that, then this one asks too. */
const claimMs = 5_000;

async function createShared(config: RouterConfig, log: Log): Promise<RedisPages | null> {
  const { REDIS_URL: url, BACKLOT_ROUTER_REDIS_BYTES: mostBytes, BACKLOT_ROUTER_REDIS_MS: timeoutMs } = config;
  if (url === undefined) return null;
  // Redis's client is read where there is a Redis only.
  const { RedisPages } = await import("./cache/redis-pages.ts");
  return new RedisPages({ url, log, mostBytes, timeoutMs, claimMs });
}

function createPages(
  config: RouterConfig,
  { state, shared, traffic }: { readonly state: RouteState; readonly shared: RedisPages | null; readonly traffic: TrafficBook },
): PageCache {
  const limits = { mostBytes: config.BACKLOT_ROUTER_PAGE_CACHE_BYTES, mostPageBytes: config.BACKLOT_ROUTER_PAGE_BYTES };
  const pages = new PageCache(limits, shared, (siteId, outcome) => traffic.noteKept(siteId, outcome));
  state.table.onChange((siteId, route) => pages.routeChanged(siteId, route));
  return pages;
}

function createFront(
  config: RouterConfig,
  parts: Pick<FrontOptions, "table" | "hasRoutes" | "gates" | "files" | "pages" | "troubles" | "traffic" | "metrics" | "log" | "relay">,
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
