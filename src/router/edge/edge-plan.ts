import { ConfigError } from "#kit/config.ts";
import { openFiles } from "#kit/open-files.ts";
import type { RouterConfig } from "../config.ts";
import { addressesOfMachine } from "../gate/platform-doors.ts";
import { type LogServer, parseLogServer } from "../syslog/log-forward.ts";
import { readCertificates } from "./certificates.ts";
import type { HaproxyFacts, HaproxyPlaces, TlsDoor } from "./haproxy/haproxy-config.ts";
import type { BalancedManagers } from "./haproxy/managers-section.ts";
import type { EdgeUser } from "./run-folder.ts";
import { parseSiteNetworks, type SiteNetworks } from "./site-networks.ts";

/** What the settings make of the edge. */
export interface EdgePlan {
  readonly haproxy: Omit<HaproxyFacts, "places" | "bind" | "user">;
  readonly networks: SiteNetworks;
  readonly logServer: LogServer | null;
}

/** Reads the edge's settings. @throws {ConfigError} with all that is wrong with them. */
export function planEdge(config: RouterConfig): EdgePlan {
  const problems: string[] = [];
  const attempt = <T>(setting: string, parse: () => T, otherwise: T): T => {
    try {
      return parse();
    } catch (error) {
      problems.push(`${setting}: ${error instanceof Error ? error.message : "not usable"}`);
      return otherwise;
    }
  };
  const networks = {
    networks: attempt("BACKLOT_EDGE_SITE_NETWORKS", () => parseSiteNetworks(config.BACKLOT_EDGE_SITE_NETWORKS), []),
    ownAddresses: addressesOfMachine(),
  };
  const managers = attempt("BACKLOT_EDGE_MANAGERS", () => managersOf(config), null);
  const server = config.BACKLOT_EDGE_LOG_SERVER;
  const logServer = attempt("BACKLOT_EDGE_LOG_SERVER", () => (server === undefined ? null : parseLogServer(server)), null);
  const tls = attempt("BACKLOT_EDGE_TLS_FOLDER", () => tlsOf(config), null);
  if (problems.length > 0) throw new ConfigError(problems);
  const haproxy = {
    acceptsProxyProtocol: config.BACKLOT_EDGE_PROXY_PROTOCOL,
    threads: config.BACKLOT_EDGE_THREADS,
    maxConnections: mostConnections(config.BACKLOT_ROUTER_MAX_CONNECTIONS),
    statisticsPort: config.BACKLOT_EDGE_STATISTICS_PORT === 0 ? null : config.BACKLOT_EDGE_STATISTICS_PORT,
    trustedProxies: listed(config.BACKLOT_ROUTER_TRUSTED_PROXIES),
    mostRequests: config.BACKLOT_EDGE_VISITOR_REQUESTS,
    mostVisitorConnections: config.BACKLOT_EDGE_VISITOR_CONNECTIONS,
    mostSiteRequests: config.BACKLOT_ROUTER_SITE_REQUESTS,
    headMs: config.BACKLOT_EDGE_HEAD_MS,
    connectMs: config.BACKLOT_ROUTER_CONNECT_MS,
    uploadStallMs: config.BACKLOT_ROUTER_UPLOAD_STALL_MS,
    responseHeadMs: config.BACKLOT_ROUTER_RESPONSE_HEAD_MS,
    idleMs: Math.min(config.BACKLOT_ROUTER_IDLE_MS, 2_000_000_000),
    stopMs: config.BACKLOT_ROUTER_STOP_MS,
    managers,
    tls,
  };
  return { haproxy, networks, logServer };
}

/** Where HAProxy finds its files and sockets below the run folder. */
export function placesIn(folder: string, staticServers: number): HaproxyPlaces {
  return {
    commands: `${folder}/commands.sock`,
    map: `${folder}/routes.map`,
    errors: `${folder}/errors`,
    log: `${folder}/log.sock`,
    activator: `${folder}/activator.sock`,
    statics: Array.from({ length: staticServers }, (_, index) => `${folder}/static${index === 0 ? "" : index + 1}/nginx.sock`),
    statistics: `${folder}/statistics.sock`,
  };
}

/** A visitor's connection and the one to the site behind it are two open files; some are needed for everything else. */
export function mostConnections(asked: number): number {
  return Math.max(100, Math.min(asked, Math.floor((openFiles() - 200) / 2.2)));
}

function tlsOf(config: RouterConfig): TlsDoor | null {
  const { BACKLOT_EDGE_TLS_FOLDER: folder, BACKLOT_EDGE_TLS_PORT: port } = config;
  if (folder === undefined) return null;
  if (port === 0) throw new Error("BACKLOT_EDGE_TLS_PORT has to name a port");
  return { bind: bindOf(config.BACKLOT_HOST, port), port, redirectsPlain: config.BACKLOT_EDGE_TLS_REDIRECT, ...readCertificates(folder) };
}

function managersOf(config: RouterConfig): BalancedManagers | null {
  const addresses = listed(config.BACKLOT_EDGE_MANAGERS);
  if (addresses.length === 0) return null;
  for (const address of addresses) if (!/^[a-z0-9.-]+:\d{1,5}$/i.test(address)) throw new Error(`${address} is no address:port`);
  const host = config.BACKLOT_PUBLIC_URL === undefined ? "" : new URL(config.BACKLOT_PUBLIC_URL).hostname.toLowerCase();
  if (!/^[a-z0-9.-]+$/.test(host)) throw new Error("BACKLOT_PUBLIC_URL has to name the host of the dashboard");
  return { host, addresses };
}

function listed(list: string): readonly string[] {
  return list
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}

/** The address and port of the visitors' door, as HAProxy writes it. */
export function bindOf(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The setpriv arguments that make a program another user's which may read every file: sites' folders belong to their sites alone. */
export function asReader(user: EdgeUser, file: string, args: readonly string[]): readonly string[] {
  const right = "+dac_read_search";
  return [
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    "--clear-groups",
    `--inh-caps=-all,${right}`,
    `--ambient-caps=-all,${right}`,
    `--bounding-set=-all,${right}`,
    "--no-new-privs",
    "--",
    file,
    ...args,
  ];
}
