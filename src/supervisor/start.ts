import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { z } from "zod";
import { ConfigError } from "#kit/config.ts";
import type { Environment, RunningService, StartService } from "#kit/lifecycle.ts";
import type { Log } from "#kit/log.ts";
import { dashboardUrl, reachableUrl, siteUrl } from "#kit/public-address.ts";
import { serviceConfigs } from "#service-configs.ts";
import { type ChildName, childCommand, type Wiring } from "./child-commands.ts";
import type { ChildMessage } from "./child-protocol.ts";
import type { SupervisorConfig } from "./config.ts";
import { hasEndpoints, removeEndpoints, writeEndpoints } from "./endpoints-file.ts";
import { type FolderLock, holderOf, lockFolder } from "./folder-lock.ts";
import { KeptProcess, type Launch } from "./kept-process.ts";
import { ensureKeys } from "./keys.ts";
import { launchChild } from "./launch-child.ts";
import { launchPostgres } from "./launch-postgres.ts";
import { endLeftPrograms } from "./left-programs.ts";
import { choosePorts } from "./ports.ts";
import { readSettings } from "./settings.ts";
import { prepareSocketFolder, SitePostgres } from "./site-postgres.ts";

/** What is started, so that tests can start something smaller. */
export interface SupervisorParts {
  /** The script that a child runs, with `run SERVICES` after it. */
  readonly entry: string;
  readonly schemas: Readonly<Record<ChildName, readonly z.ZodObject[]>>;
  /** Where lines for the person at the terminal go. */
  readonly print: (line: string) => void;
}

/** What asked for the start. */
export interface SupervisorRequest {
  readonly environment: Environment;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Each child's time between being asked to end and being killed. The orchestrator follows the others; together they stay below the five seconds of main.ts. */
const graceMs = 2200;
/** A little more than the time that main.ts gives a supervisor to end. */
const holderEndsWithinMs = 6000;

/** Runs everything on this machine: the database, and every process as a child that is started again when it ends. */
export const start: StartService = async (environment, log, signal = new AbortController().signal) => {
  const { manager, worker, ftp, shell, orchestrator, router } = serviceConfigs;
  const schemas = { control: [await manager(), await worker(), await ftp(), await shell()], orchestrator: [await orchestrator()], router: [await router()] };
  const entry = fileURLToPath(new URL("../../bin/backlot.mjs", import.meta.url));
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  print("Starting Backlot …");
  return startSupervisor({ environment, log, signal }, { entry, schemas, print });
};

/** The supervisor itself; see `start`. */
export async function startSupervisor(request: SupervisorRequest, parts: SupervisorParts): Promise<RunningService> {
  const settings = readSettings(request.environment, Object.values(parts.schemas).flat());
  await using stack = new AsyncDisposableStack();
  const data = await takeDataFolder(resolve(settings.BACKLOT_DATA), stack);
  await endLeftPrograms(data);
  const places = await choosePlaces(settings);
  const keyFiles = await ensureKeys(join(data, "keys"));
  const publicUrl = dashboardUrl(settings, places.managerPort);
  const siteServerFolder = join(data, "site-postgres");
  const siteSocketFolder = await prepareSocketFolder(siteServerFolder);
  const wiring = { ...places, data, keyFiles, publicUrl, sitesDomain: settings.BACKLOT_SITES_DOMAIN, siteSocketFolder };
  const database = settings.DATABASE_URL ?? startDatabase(join(data, "postgres"), request, stack);
  const siteServer = new SitePostgres({ folder: siteServerFolder, socketFolder: siteSocketFolder, clusterKeyFile: keyFiles.cluster, log: request.log });
  stack.defer(() => siteServer.stop());
  // Nobody waits for it: sites without a database are served meanwhile, and whoever needs it asks.
  if (!hasOwnSiteServer(request.environment)) {
    siteServer.resume().catch((err: unknown) => request.log.error({ err }, "the server of sites' databases did not start"));
  }
  const notices = await startChildren({ wiring, database: Promise.resolve(database), siteServer, request, parts, stack });

  const [ftp, ssh] = [doorAddress(wiring.ftpHost, wiring.ftpPort), doorAddress(wiring.sshHost, wiring.sshPort)];
  const doors = { manager: wiring.managerUrl, router: reachableUrl(wiring.host, wiring.routerPort), ssh, ftp };
  // Deferred last, so removed first: nobody may find doors that are about to close.
  stack.defer(() => removeEndpoints(data));
  await writeEndpoints(data, doors);
  const running = stack.move();
  return { doors, notices: [...welcome(settings, wiring), ...notices], stop: () => running.disposeAsync() };
}

async function takeDataFolder(data: string, stack: AsyncDisposableStack): Promise<string> {
  await mkdir(data, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new ConfigError([`BACKLOT_DATA: the folder ${data} cannot be made (${cause.code})`]);
  });
  const lock = await lockPatiently(data);
  if (lock === null) {
    const holder = await holderOf(data, "data");
    throw new ConfigError([`BACKLOT_DATA: another Backlot (process ${holder ?? "unknown"}) uses ${data}; stop it, or set BACKLOT_DATA to another folder`]);
  }
  stack.use(lock);
  await removeEndpoints(data);
  return data;
}

// Without open doors the holder is most likely ending: a start right after Ctrl-C finds it so, and had better wait than complain.
async function lockPatiently(data: string): Promise<FolderLock | null> {
  const deadline = performance.now() + holderEndsWithinMs;
  for (;;) {
    const lock = await lockFolder(data, "data");
    if (lock !== null || performance.now() > deadline || (await hasEndpoints(data))) return lock;
    await delay(50);
  }
}

type Places = Pick<
  Wiring,
  | "host"
  | "managerPort"
  | "routerPort"
  | "orchestratorPort"
  | "routerAdminPort"
  | "routerAdminUrl"
  | "ftpHost"
  | "ftpPort"
  | "sshHost"
  | "sshPort"
  | "managerUrl"
>;

async function choosePlaces(settings: SupervisorConfig): Promise<Places> {
  const host = settings.BACKLOT_HOST;
  const ftpHost = settings.BACKLOT_FTP_HOST ?? host;
  const sshHost = settings.BACKLOT_SSH_HOST ?? host;
  const inside = { host: "127.0.0.1", port: 0 };
  const { ports, problems } = await choosePorts([
    { setting: "BACKLOT_PORT", host, port: settings.BACKLOT_PORT },
    { setting: "BACKLOT_ROUTER_PORT", host, port: settings.BACKLOT_ROUTER_PORT },
    { setting: "BACKLOT_FTP_PORT", host: ftpHost, port: settings.BACKLOT_FTP_PORT },
    { setting: "BACKLOT_SSH_PORT", host: sshHost, port: settings.BACKLOT_SSH_PORT },
    inside,
    { setting: "BACKLOT_ROUTER_ADMIN_PORT", host: settings.BACKLOT_ROUTER_ADMIN_HOST, port: settings.BACKLOT_ROUTER_ADMIN_PORT },
  ]);
  if (problems.length > 0) throw new ConfigError(problems);
  const [managerPort = 0, routerPort = 0, ftpPort = 0, sshPort = 0, orchestratorPort = 0, routerAdminPort = 0] = ports;
  const managerUrl = reachableUrl(host, managerPort);
  const routerAdminUrl = reachableUrl(settings.BACKLOT_ROUTER_ADMIN_HOST, routerAdminPort);
  return { host, managerPort, routerPort, ftpHost, ftpPort, sshHost, sshPort, orchestratorPort, routerAdminPort, routerAdminUrl, managerUrl };
}

// As a program connects to it.
function doorAddress(host: string, port: number): string {
  return new URL(reachableUrl(host === "localhost" ? "127.0.0.1" : host, port)).host;
}

async function startDatabase(folder: string, { log }: SupervisorRequest, stack: AsyncDisposableStack): Promise<string> {
  const database = launchPostgres({ folder, log });
  const kept = new KeptProcess({ name: "database", log, launch: database.launch, isFirstStartDecisive: true });
  stack.defer(() => kept.stop());
  await kept.start();
  return database.url();
}

function hasOwnSiteServer(environment: Environment): boolean {
  return Boolean(environment.BACKLOT_SITE_DATABASE_URL || environment.BACKLOT_SITE_DATABASE_URL_FILE);
}

async function startChildren(deps: {
  readonly wiring: Wiring;
  readonly database: Promise<string>;
  readonly siteServer: SitePostgres;
  readonly request: SupervisorRequest;
  readonly parts: SupervisorParts;
  readonly stack: AsyncDisposableStack;
}): Promise<readonly string[]> {
  const { parts, request, stack } = deps;
  const notices: string[] = [];
  let say = (notice: string): void => void notices.push(notice);
  const keep = (name: ChildName): KeptProcess => {
    const onReady = (message: ChildMessage): void => {
      for (const notice of message.notices) say(notice);
    };
    const launch: Launch = async (signal) => {
      // The others come up while the database does.
      const databaseUrl = name === "control" ? await deps.database : undefined;
      const given = { entry: parts.entry, schemas: parts.schemas[name], environment: request.environment, databaseUrl };
      const needSiteServer = name === "control" ? () => deps.siteServer.ensure() : undefined;
      return launchChild(childCommand(name, deps.wiring, given), { signal, graceMs, onReady, needSiteServer });
    };
    return new KeptProcess({ name, log: request.log, launch });
  };
  const orchestrator = keep("orchestrator");
  const others = [keep("router"), keep("control")];
  // Undone in reverse order: sites' programs end when nobody asks for them any more.
  stack.defer(() => orchestrator.stop());
  stack.defer(async () => void (await Promise.all(others.map((kept) => kept.stop()))));
  await orAborted(Promise.all([deps.database, ...[orchestrator, ...others].map((kept) => kept.start())]), request.signal);
  // From now on at once: a manager that was started again has a new set-up link.
  say = parts.print;
  return notices;
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort);
  return Promise.race([work, promise]).finally(() => signal.removeEventListener("abort", onAbort));
}

function welcome(settings: SupervisorConfig, wiring: Wiring): readonly string[] {
  return [
    "Backlot is ready.",
    `  Dashboard  ${wiring.publicUrl}`,
    `  Sites      ${siteUrl(settings, wiring.routerPort)}`,
    `  SSH        ${new URL(reachableUrl(wiring.sshHost, wiring.sshPort)).host}`,
    `  FTP        ${new URL(reachableUrl(wiring.ftpHost, wiring.ftpPort)).host}`,
    `  Data       ${wiring.data}`,
  ];
}
