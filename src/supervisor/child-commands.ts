import type { z } from "zod";
import { type Environment, supervisedFlag } from "#kit/lifecycle.ts";
import type { KeyFiles } from "./keys.ts";
import type { ChildCommand } from "./launch-child.ts";
import { relayAddress } from "./site-postgres.ts";

/** The processes beside the supervisor, and the services that each of them runs. */
export const children = {
  orchestrator: ["orchestrator"],
  router: ["router"],
  control: ["manager", "worker", "ftp", "shell"],
} as const;
export type ChildName = keyof typeof children;

/** How the processes of one machine find each other: fixed for the life of the supervisor, whatever is started again. */
export interface Wiring {
  readonly data: string;
  readonly host: string;
  readonly managerPort: number;
  readonly routerPort: number;
  readonly orchestratorPort: number;
  readonly routerAdminPort: number;
  /** Where processes of this machine reach it. */
  readonly routerAdminUrl: string;
  readonly ftpHost: string;
  readonly ftpPort: number;
  readonly sshHost: string;
  readonly sshPort: number;
  readonly managerUrl: string;
  readonly sitesDomain: string;
  /** The dashboard as people type it. */
  readonly publicUrl: string;
  readonly keyFiles: KeyFiles;
  /** Where sites find the socket of their databases' server. */
  readonly siteSocketFolder: string;
}

/**
 * Flags of the Node processes. Young objects get 4 MB instead of 16: the router then holds 130 MB under load instead of 290, and is
 * as fast. A router that needs a quarter of a gigabyte for its table has a fault, and is started again.
 */
const nodeFlags: Readonly<Record<ChildName, readonly string[]>> = {
  orchestrator: ["--max-semi-space-size=4"],
  router: ["--max-semi-space-size=4", "--max-old-space-size=256"],
  control: ["--max-semi-space-size=4"],
};

/** What any program needs to run at all, and what makes its messages readable; nothing that opens a door. */
const ordinary = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "NODE_ENV", "BACKLOT_LOG_LEVEL", "BACKLOT_LOG_FOLDER"];
/** Other defaults than the process' own, where it is one of several on a machine: all of them together stop within seconds. */
const suggested = { BACKLOT_ROUTER_STOP_MS: "1500" };
const keyOf = { orchestrator: "orchestrator", router: "router", control: "cluster" } as const satisfies Record<ChildName, keyof KeyFiles>;

/** What a command is made of beside the wiring. */
interface Given {
  readonly entry: string;
  /** The settings of the services that it runs. */
  readonly schemas: readonly z.ZodObject[];
  readonly environment: Environment;
  /** Only those who may hold it are given it. */
  readonly databaseUrl?: string | undefined;
}

/**
 * The command of a child. Of the settings it gets those that its own schemas name, and no others: a process that must not
 * know the database or the cluster key has no field for them.
 */
export function childCommand(name: ChildName, wiring: Wiring, given: Given): ChildCommand {
  const fields = new Set(given.schemas.flatMap((schema) => Object.keys(schema.shape)));
  const wired = {
    ...wiredSettings(name, wiring),
    ...allOrchestrators(wiring, given.environment),
    ...allRouters(wiring, given.environment),
    ...(given.databaseUrl === undefined ? {} : { DATABASE_URL: given.databaseUrl }),
  };
  const environment: Record<string, string> = {};
  for (const [key, value] of Object.entries({ ...suggestedFor(given.environment), ...given.environment, ...wired })) {
    const isAsked = fields.has(key) || (key.endsWith("_FILE") && fields.has(key.slice(0, -"_FILE".length)));
    // A value from here wins over a file that the environment names for the same setting.
    const isOverruled = key.endsWith("_FILE") && key.slice(0, -"_FILE".length) in wired;
    if (value !== undefined && value !== "" && !isOverruled && (isAsked || ordinary.includes(key))) environment[key] = value;
  }
  return { name, args: [...nodeFlags[name], given.entry, "run", children[name].join(","), supervisedFlag], environment };
}

/** Orchestrators on other machines, beside the one of this machine. */
function allOrchestrators(wiring: Wiring, environment: Environment): Readonly<Record<string, string>> {
  const others = environment.BACKLOT_ORCHESTRATOR_URLS ?? "";
  return others === "" ? {} : { BACKLOT_ORCHESTRATOR_URLS: `${orchestratorUrlOf(wiring)},${others}` };
}

/** Routers on other machines, beside the one of this machine. */
function allRouters(wiring: Wiring, environment: Environment): Readonly<Record<string, string>> {
  const others = environment.BACKLOT_ROUTER_URLS ?? "";
  return others === "" ? {} : { BACKLOT_ROUTER_URLS: `${wiring.routerAdminUrl},${others}` };
}

function orchestratorUrlOf(wiring: Wiring): string {
  return `http://127.0.0.1:${wiring.orchestratorPort}`;
}

function suggestedFor(environment: Environment): Readonly<Record<string, string>> {
  const address = relayAddress(environment.BACKLOT_SITE_DATABASE_URL);
  return { ...suggested, ...(address === undefined ? {} : { BACKLOT_SITE_DATABASE_ADDRESS: address }) };
}

function wiredSettings(name: ChildName, wiring: Wiring): Readonly<Record<string, string>> {
  const orchestratorUrl = orchestratorUrlOf(wiring);
  const keyFile = wiring.keyFiles[keyOf[name]];
  return {
    BACKLOT_DATA: wiring.data,
    BACKLOT_HOST: wiring.host,
    BACKLOT_PORT: String(wiring.managerPort),
    BACKLOT_SITES_DOMAIN: wiring.sitesDomain,
    BACKLOT_ROUTER_PORT: String(wiring.routerPort),
    BACKLOT_ROUTER_ADMIN_PORT: String(wiring.routerAdminPort),
    BACKLOT_ORCHESTRATOR_PORT: String(wiring.orchestratorPort),
    BACKLOT_FTP_HOST: wiring.ftpHost,
    BACKLOT_FTP_PORT: String(wiring.ftpPort),
    BACKLOT_FTP_KEY_FILE: wiring.keyFiles.ftp,
    BACKLOT_SSH_HOST: wiring.sshHost,
    BACKLOT_SSH_PORT: String(wiring.sshPort),
    BACKLOT_SHELL_KEY_FILE: wiring.keyFiles.shell,
    BACKLOT_MANAGER_URL: wiring.managerUrl,
    BACKLOT_ORCHESTRATOR_URL: orchestratorUrl,
    BACKLOT_ROUTER_URLS: wiring.routerAdminUrl,
    BACKLOT_PUBLIC_URL: wiring.publicUrl,
    BACKLOT_SITE_DATABASE_SOCKETS: wiring.siteSocketFolder,
    [name === "control" ? "BACKLOT_CLUSTER_KEY_FILE" : "BACKLOT_COMPONENT_KEY_FILE"]: keyFile,
  };
}
