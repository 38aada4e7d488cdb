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
import { noteAccess } from "../syslog/note-access.ts";
import { bindOf, mostConnections, placesIn, planEdge } from "./edge-plan.ts";
import { type PreparedProgram, prepareHaproxy, prepareNginx } from "./edge-programs.ts";
import { commandSocket } from "./haproxy/command-socket.ts";
import { HaproxyEdge } from "./haproxy/haproxy-edge.ts";
import { MapFeed } from "./haproxy/map-feed.ts";
import { watchHaproxy } from "./haproxy/watch-haproxy.ts";
import { edgeUser, giveTo, prepareRunFolder } from "./run-folder.ts";

/** What the edge needs of the router. */
export interface EdgeDeps {
  readonly config: RouterConfig;
  readonly table: RouteTable;
  readonly sitesFolder: string;
  readonly troubles: TroubleReport;
  /** A visitor was at a site that is awake. */
  readonly visited: (siteId: number) => void;
  readonly log: Log;
}

/** HAProxy and nginx before this router. */
export interface Edge {
  readonly sites: HaproxyEdge;
  readonly access: AccessLog;
  /** `http://address:port` of the visitors' door; known when it is open. */
  readonly url: () => string;
  /** Opens the router's own private door, then the visitors'. */
  start(server: Server): Promise<void>;
  /** Closes the visitors' door: what is under way may end. */
  stop(): Promise<void>;
}

/** How often it is counted what goes straight to sites, for the clock by which they go to sleep. */
const countMs = 1000;

/** Makes HAProxy and nginx ready, with nothing started yet. @throws {ConfigError} */
export async function createEdge(deps: EdgeDeps): Promise<Edge> {
  const { config, table, log } = deps;
  const plan = planEdge(config);
  const user = edgeUser(config.BACKLOT_EDGE_USER);
  const folder = await prepareRunFolder(config.BACKLOT_DATA, user);
  const places = placesIn(folder);
  const send = commandSocket(config.BACKLOT_HAPROXY_SOCKET ?? places.commands);
  const feed = new MapFeed({ send, file: places.map, log });
  const sites = new HaproxyEdge({ table, networks: plan.networks, feed, send, log });
  const access = new AccessLog({ folder: path.resolve(config.BACKLOT_DATA, "logs", "access"), mostBytes: config.BACKLOT_EDGE_ACCESS_LOG_BYTES, log });
  const forward = plan.logServer === null ? null : new LogForward(plan.logServer, log);
  const receiver = new LogReceiver({
    socket: places.log,
    datagrams: config.BACKLOT_EDGE_LOG_PORT === 0 ? null : { host: "127.0.0.1", port: config.BACKLOT_EDGE_LOG_PORT },
    onMessage: ({ text }, raw) => {
      forward?.send(raw);
      const line = parseAccessLine(text);
      if (line !== null) noteAccess(line, { table, access, troubles: deps.troubles, visited: deps.visited });
    },
    log,
  });
  const running: PreparedProgram[] = [];
  const ending = new AbortController();
  let url = "";
  let counter: NodeJS.Timeout | undefined;

  const startPrograms = async (): Promise<void> => {
    const isOwn = config.BACKLOT_HAPROXY_SOCKET === undefined;
    const port = await visitorsPort(config, folder);
    const facts = { ...plan.haproxy, places, user, bind: bindOf(config.BACKLOT_HOST, port) };
    url = urlOf(config.BACKLOT_HOST, port);
    const recordFolder = path.resolve(config.BACKLOT_DATA, "router", "programs");
    await mkdir(recordFolder, { recursive: true, mode: 0o700 });
    const nginx = await prepareNginx({
      file: config.BACKLOT_NGINX,
      folder,
      recordFolder,
      socket: places.statics,
      sitesFolder: deps.sitesFolder,
      workers: config.BACKLOT_EDGE_THREADS,
      connections: mostConnections(config.BACKLOT_ROUTER_MAX_CONNECTIONS),
      user,
      log,
    });
    const beforeStart = async (): Promise<void> => {
      // From here on it may hold what the file says now.
      feed.lost(false);
      await feed.writeFile();
    };
    const callbacks = { beforeStart, onReady: () => sites.came(), onGone: () => sites.went(true) };
    const haproxy = await prepareHaproxy({ file: config.BACKLOT_HAPROXY, folder, recordFolder, facts, send, log, ...callbacks });
    running.push(nginx);
    await nginx.kept.start(nginx.isSame);
    if (isOwn) {
      running.push(haproxy);
      await haproxy.kept.start(haproxy.isSame);
    } else {
      await feed.writeFile();
      watchHaproxy({ send, onCame: () => sites.came(), onGone: () => sites.went(false), log }, ending.signal);
    }
  };

  const stop = async (): Promise<void> => {
    clearInterval(counter);
    ending.abort();
    // First the door, then what stands behind it.
    for (const { kept } of running.toReversed()) await kept.stop(config.BACKLOT_ROUTER_STOP_MS);
    await feed.stop();
    await receiver.stop();
    forward?.stop();
    await access.flush();
    await rm(folder, { recursive: true, force: true });
  };

  return {
    sites,
    access,
    url: () => url,
    start: async (server) => {
      await receiver.start();
      await rm(places.activator, { force: true });
      server.listen({ path: places.activator, backlog: 1024 });
      await once(server, "listening");
      for (const socket of [places.log, places.activator]) {
        giveTo(socket, user);
        await chmod(socket, 0o600);
      }
      try {
        await startPrograms();
      } catch (error) {
        await stop();
        throw error;
      }
      counter = setInterval(() => {
        if (sites.hasLive) sites.count().catch((err: unknown) => log.debug({ err }, "HAProxy could not be asked for its counters"));
      }, countMs);
    },
    stop,
  };
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
