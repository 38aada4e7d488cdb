import { once } from "node:events";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import path from "node:path";
import type { Log } from "#kit/log.ts";
import type { RouterConfig } from "../config.ts";
import type { TroubleReport } from "../front/trouble-report.ts";
import type { RouteTable } from "../routes/route-table.ts";
import { parseAccessLine } from "../syslog/access-line.ts";
import { AccessLog } from "../syslog/access-log.ts";
import { LogForward } from "../syslog/log-forward.ts";
import { LogReceiver } from "../syslog/log-receiver.ts";
import { type AccessListeners, noteAccess } from "../syslog/note-access.ts";
import type { SyslogMessage } from "../syslog/syslog-message.ts";
import type { TrafficBook } from "../traffic/traffic-book.ts";
import { bindOf, type EdgePlan, mostConnections, placesIn, planEdge } from "./edge-plan.ts";
import { type PreparedProgram, prepareHaproxy, prepareNginx } from "./edge-programs.ts";
import { commandSocket, type SendCommand } from "./haproxy/command-socket.ts";
import type { HaproxyPlaces } from "./haproxy/haproxy-config.ts";
import { HaproxyEdge } from "./haproxy/haproxy-edge.ts";
import { MapFeed } from "./haproxy/map-feed.ts";
import { watchHaproxy } from "./haproxy/watch-haproxy.ts";
import { type EdgeUser, edgeUser, giveTo, prepareRunFolder } from "./run-folder.ts";

/** What the edge needs of the router. */
export interface EdgeDeps {
  readonly config: RouterConfig;
  readonly table: RouteTable;
  readonly sitesFolder: string;
  readonly traffic: TrafficBook;
  readonly troubles: TroubleReport;
  readonly visited: AccessListeners["visited"];
  readonly log: Log;
}

/** How often it is counted what goes straight to sites, for the clock by which they go to sleep. */
const countMs = 1000;
const afterHaproxyMs = 300;

/** HAProxy and nginx before this router. */
export class Edge {
  readonly sites: HaproxyEdge;
  readonly #deps: EdgeDeps;
  readonly #plan: EdgePlan;
  readonly #user: EdgeUser | null;
  readonly #folder: string;
  readonly #places: HaproxyPlaces;
  readonly #send: SendCommand;
  readonly #feed: MapFeed;
  readonly #access: AccessLog;
  readonly #forward: LogForward | null;
  readonly #receiver: LogReceiver;
  #statics: readonly PreparedProgram[] = [];
  #balancer: PreparedProgram | undefined;
  readonly #ending = new AbortController();
  #counter: NodeJS.Timeout | undefined;
  /** `http://address:port` of the visitors' door; "" until it is open. */
  url = "";

  private constructor(deps: EdgeDeps, plan: EdgePlan, place: { readonly folder: string; readonly user: EdgeUser | null }) {
    const { config, table, log } = deps;
    this.#deps = deps;
    this.#plan = plan;
    this.#user = place.user;
    this.#folder = place.folder;
    this.#places = placesIn(place.folder, config.BACKLOT_EDGE_STATIC_SERVERS);
    this.#send = commandSocket(config.BACKLOT_HAPROXY_SOCKET ?? this.#places.commands);
    this.#feed = new MapFeed({ send: this.#send, file: this.#places.map, log });
    this.sites = new HaproxyEdge({ table, networks: plan.networks, feed: this.#feed, send: this.#send });
    this.#access = new AccessLog({ folder: path.resolve(config.BACKLOT_DATA, "logs", "access"), mostBytes: config.BACKLOT_EDGE_ACCESS_LOG_BYTES, log });
    table.onDeleted((siteId) => void this.#access.forget(siteId));
    this.#forward = plan.logServer === null ? null : new LogForward(plan.logServer, log);
    const datagrams = config.BACKLOT_EDGE_LOG_PORT === 0 ? null : { host: "127.0.0.1", port: config.BACKLOT_EDGE_LOG_PORT };
    this.#receiver = new LogReceiver({ socket: this.#places.log, datagrams, onMessage: (message, raw) => this.#take(message, raw), log });
  }

  /** Reads the settings and makes a folder ready; nothing is started yet. @throws {ConfigError} */
  static async create(deps: EdgeDeps): Promise<Edge> {
    const plan = planEdge(deps.config);
    const user = edgeUser(deps.config.BACKLOT_EDGE_USER);
    return new Edge(deps, plan, { user, folder: await prepareRunFolder(deps.config.BACKLOT_DATA, user) });
  }

  /** Opens the router's own private door, then the visitors'. */
  async start(server: Server): Promise<void> {
    const { log, activator } = this.#places;
    await this.#receiver.start();
    await rm(activator, { force: true });
    server.listen({ path: activator, backlog: 1024 });
    await once(server, "listening");
    for (const socket of [log, activator]) {
      giveTo(socket, this.#user);
      await chmod(socket, 0o600);
    }
    try {
      await this.#startPrograms();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#counter = setInterval(() => {
      if (!this.sites.hasLive) return;
      this.sites.count().catch((err: unknown) => this.#deps.log.debug({ err }, "HAProxy could not be asked for its counters"));
    }, countMs);
  }

  /** Closes the visitors' door: what is under way may end. */
  async stop(): Promise<void> {
    clearInterval(this.#counter);
    this.#ending.abort();
    // First the door, then what stands behind it, which has nothing under way by then.
    await this.#balancer?.kept.stop(this.#deps.config.BACKLOT_ROUTER_STOP_MS);
    await Promise.all(this.#statics.map(({ kept }) => kept.stop(afterHaproxyMs)));
    await this.#feed.stop();
    await this.#receiver.stop();
    this.#forward?.stop();
    await this.#access.flush();
    // Who starts HAProxy finds its configuration here, also while this router is away.
    if (this.#deps.config.BACKLOT_HAPROXY_SOCKET === undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  #take(message: SyslogMessage, raw: string): void {
    this.#forward?.send(raw);
    const line = parseAccessLine(message);
    if (line !== null) noteAccess(line, { ...this.#deps, access: this.#access });
  }

  async #startPrograms(): Promise<void> {
    const { config, log, sitesFolder } = this.#deps;
    const port = await visitorsPort(config, this.#folder);
    const facts = { ...this.#plan.haproxy, places: this.#places, user: this.#user, bind: bindOf(config.BACKLOT_HOST, port) };
    this.url = urlOf(config.BACKLOT_HOST, port);
    const recordFolder = path.resolve(config.BACKLOT_DATA, "router", "programs");
    await mkdir(recordFolder, { recursive: true, mode: 0o700 });
    const common = { folder: this.#folder, recordFolder, log };
    const statics = await Promise.all(
      this.#places.statics.map((socket) =>
        prepareNginx({
          ...common,
          file: config.BACKLOT_NGINX,
          socket,
          sitesFolder,
          workers: config.BACKLOT_EDGE_THREADS,
          connections: mostConnections(config.BACKLOT_ROUTER_MAX_CONNECTIONS),
          user: this.#user,
        }),
      ),
    );
    const beforeStart = async (): Promise<void> => {
      // From here on it may hold what the file says now.
      this.#feed.lost(false);
      await this.#feed.writeFile();
    };
    const watchers = { beforeStart, onReady: () => this.sites.came(), onGone: () => this.sites.went(true) };
    const haproxy = await prepareHaproxy({ ...common, file: config.BACKLOT_HAPROXY, facts, send: this.#send, ...watchers });
    this.#statics = statics;
    await Promise.all(statics.map(({ kept, isSame }) => kept.start(isSame)));
    if (config.BACKLOT_HAPROXY_SOCKET === undefined) {
      this.#balancer = haproxy;
      await haproxy.kept.start(haproxy.isSame);
      return;
    }
    await this.#feed.writeFile();
    watchHaproxy({ send: this.#send, onCame: () => this.sites.came(), onGone: () => this.sites.went(false), log }, this.#ending.signal);
  }
}

// A port of the system's choice is kept: HAProxy goes on while the router is started again.
async function visitorsPort(config: RouterConfig, folder: string): Promise<number> {
  if (config.BACKLOT_ROUTER_PORT !== 0) return config.BACKLOT_ROUTER_PORT;
  const file = path.join(folder, "port");
  const before = Number(await readFile(file, "utf8").catch(() => ""));
  if (Number.isInteger(before) && before > 0) return before;
  const server = createServer().listen(0, config.BACKLOT_HOST);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  await writeFile(file, String(port));
  return port;
}

function urlOf(host: string, port: number): string {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `http://${bindOf(reachable, port)}`;
}
