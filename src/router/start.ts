import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { steadyNow } from "#kit/clock.ts";
import { readComponentKey } from "#kit/cluster-key.ts";
import { ConfigError, parseConfig } from "#kit/config.ts";
import { createSigner, createVerifier } from "#kit/grant.ts";
import { componentGuard } from "#kit/http/component-guard.ts";
import { createServer } from "#kit/http/server.ts";
import type { Environment, RunningService } from "#kit/lifecycle.ts";
import type { Log } from "#kit/log.ts";
import { readVersion } from "#kit/version.ts";
import { mountAdmin } from "./admin.ts";
import { configSchema, type RouterConfig } from "./config.ts";
import { mountTraefik, type TraefikProvider } from "./edge/traefik/mount-traefik.ts";
import { createMetrics, type RouterMetrics, renderMetrics } from "./metrics.ts";
import { followRouteFeed } from "./routes/route-feed.ts";
import { SnapshotFile } from "./routes/route-snapshot.ts";
import { RouteState } from "./routes/route-state.ts";
import { openVisitors } from "./visitors.ts";

/** Starts the router: routes from disk, then both doors, then the manager's feed. */
export async function start(environment: Environment, log: Log): Promise<RunningService> {
  const config = parseConfig(configSchema, environment);
  const key = await readComponentKey(config.BACKLOT_COMPONENT_KEY_FILE);
  const metrics = createMetrics();
  const snapshot = new SnapshotFile(path.join(config.BACKLOT_DATA, "router", "routes.json"), log);
  const state = new RouteState(snapshot, log);
  await state.load();
  const ownDoors: string[] = [];
  const visitors = await openVisitors(config, { state, metrics, log, ownDoors });
  const { server, gates, pages, traffic, edge } = visitors;
  let isFeedConnected = false;
  const admin = createServer({
    log,
    ready: () => state.isKnown || "the manager has not sent any routes yet",
    metrics: () => {
      const { awake, waiting, inFlight: toSites } = gates.counts();
      const { size: routes, version } = state.table;
      const kept = { cachedBytes: visitors.cachedBytes(), pages: pages.totals(), traffic: traffic.totals };
      return renderMetrics(metrics, { routes, version, isFeedConnected, awake, waiting, toSites, ...kept });
    },
  });
  mountAdmin(admin, componentGuard({ audience: "router", verify: await createVerifier(key.managerPublicKey) }), {
    table: state.table,
    gates,
    pages,
    traffic,
    edge: edge?.sites,
  });
  if (config.BACKLOT_TRAEFIK_TOKEN !== undefined) {
    const own = (): string => urlOf(server.address());
    mountTraefik(admin, { ...traefikSettings(config), token: config.BACKLOT_TRAEFIK_TOKEN, routes: () => state.table.all(), ownAddress: own });
  }
  try {
    await admin.listen({ host: config.BACKLOT_ROUTER_ADMIN_HOST, port: config.BACKLOT_ROUTER_ADMIN_PORT });
    ownDoors.push(urlOf(admin.server.address()));
    await (edge === null ? listen(server, config) : edge.start(server));
    ownDoors.push(edge?.url ?? urlOf(server.address()));
  } catch (error) {
    await Promise.all([visitors.close(), admin.close()]);
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
      visitors.troubles.flush();
      await edge?.stop();
      await finishVisits(server, metrics, config.BACKLOT_ROUTER_STOP_MS);
      const closed = visitors.close();
      server.closeAllConnections();
      await Promise.all([following, admin.close(), closed, snapshot.flush()]);
    },
  };
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
  const deadline = steadyNow() + withinMs;
  while (metrics.inFlight > 0 && steadyNow() < deadline) {
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
