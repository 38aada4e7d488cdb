import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join, resolve } from "node:path";
import { createClient } from "#contract/client.ts";
import { readComponentKey } from "#kit/cluster-key.ts";
import { parseConfig } from "#kit/config.ts";
import { ConnectionCount } from "#kit/door/connection-count.ts";
import { SessionWatch } from "#kit/door/session-watch.ts";
import { createSigner } from "#kit/grant.ts";
import { openHealthDoor } from "#kit/http/health-door.ts";
import { processMetrics } from "#kit/http/server.ts";
import type { RunningService, StartService } from "#kit/lifecycle.ts";
import type { Log } from "#kit/log.ts";
import { openCertificate } from "./certificate.ts";
import { configSchema, type FtpConfig, hostOf, rulesOf } from "./config.ts";
import { FtpSession } from "./session.ts";
import type { DoorDeps } from "./session-core.ts";
import { systemTimers, type Timers } from "./timers.ts";

/** Opens the FTP door. */
export const start: StartService = (environment, log) => startFtp({ config: parseConfig(configSchema, environment), log }, { timers: systemTimers });

/** The door itself; see `start`. */
export async function startFtp(settings: { readonly config: FtpConfig; readonly log: Log }, parts: { readonly timers: Timers }): Promise<RunningService> {
  const { config, log } = settings;
  const rules = rulesOf(config);
  const key = await readComponentKey(config.BACKLOT_FTP_KEY_FILE);
  const signer = await createSigner(key.secret);
  const manager = createClient({
    baseUrl: config.BACKLOT_MANAGER_URL,
    peer: "manager",
    token: () => signer.sign({ aud: "manager", sub: "ftp", site: "*", verbs: ["door.open"] }),
  });
  const openSecureContext = await openCertificate({
    folder: join(resolve(config.BACKLOT_DATA), "ftp"),
    given: givenCertificate(config),
  });
  const watch = new SessionWatch(manager, log);
  const sessions = new Set<FtpSession>();
  const deps: DoorDeps = { rules, manager, orchestratorUrl: config.BACKLOT_ORCHESTRATOR_URL, openSecureContext, watch, timers: parts.timers, log };
  const server = createDoor({ config, log, sessions, deps });
  const health = await openHealthDoor({
    log,
    host: "127.0.0.1",
    port: config.BACKLOT_FTP_HEALTH_PORT,
    ready: () => watch.readiness,
    metrics: () => `${processMetrics()}backlot_ftp_sessions ${sessions.size}\n`,
  });
  const address = await listen(server, hostOf(config), config.BACKLOT_FTP_PORT);
  watch.start();
  log.info({ address, isTlsRequired: rules.requiresTls }, "ftp is ready");
  return {
    doors: { ftp: address, ...(health.url === null ? {} : { ftpHealth: health.url }) },
    stop: async () => {
      server.close();
      await health.close();
      await Promise.all([...sessions].map((session) => session.end(421, "Backlot is stopping.")));
      await watch.stop();
    },
  };
}

function createDoor(given: { readonly config: FtpConfig; readonly log: Log; readonly sessions: Set<FtpSession>; readonly deps: DoorDeps }): Server {
  const { config, log, sessions, deps } = given;
  const count = new ConnectionCount({ total: config.BACKLOT_FTP_CONNECTIONS, perAddress: config.BACKLOT_FTP_CONNECTIONS_PER_ADDRESS });
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    const address = socket.remoteAddress ?? "";
    const refusal = count.enter(address);
    if (refusal !== undefined) return turnAway(socket, refusal);
    const session = new FtpSession(socket, deps);
    sessions.add(session);
    socket.once("close", () => {
      count.leave(address);
      sessions.delete(session);
      session.close();
    });
    session.start().catch((err: unknown) => log.info({ err }, "a connection ended before its banner"));
  });
  server.on("error", (err) => log.error({ err }, "the door failed"));
  return server;
}

function turnAway(socket: Socket, text: string): void {
  socket.end(`421 ${text}\r\n`);
  // Not even its end is waited for: nothing of it is counted.
  setTimeout(() => socket.destroy(), 1000).unref();
}

function givenCertificate(config: FtpConfig): { readonly certificate: string; readonly key: string } | null {
  const { BACKLOT_FTP_CERTIFICATE: certificate, BACKLOT_FTP_CERTIFICATE_KEY: key } = config;
  return certificate === undefined || key === undefined ? null : { certificate, key };
}

async function listen(server: Server, host: string, port: number): Promise<string> {
  const { promise, resolve: opened, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ host, port }, opened);
  await promise;
  server.off("error", reject);
  // A TCP server that listens has an address of this kind.
  const { port: chosen } = server.address() as AddressInfo;
  const shown = host === "0.0.0.0" || host === "localhost" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `${shown.includes(":") ? `[${shown}]` : shown}:${chosen}`;
}
