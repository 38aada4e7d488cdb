import { ConfigError } from "#kit/config.ts";
import type { Environment } from "#kit/lifecycle.ts";

/** A setting of the original, remote-executor, by its own name. */
interface OriginalName {
  readonly name: string;
  /** The setting that it sets here; null for what has no effect. */
  readonly becomes: string | null;
  readonly description: string;
}

/** The names of the original that are taken for the settings of today, in the order of the reference. */
export const originalNames: readonly OriginalName[] = [
  {
    name: "WEB_DEBUG_MODE",
    becomes: "BACKLOT_LOG_LEVEL",
    description: "`1`, `true`, `yes`, `on` set `debug`; `0`, `2`, `false`, `no`, `off` leave the level alone",
  },
  {
    name: "DATABASE_HOSTNAME",
    becomes: "DATABASE_URL",
    description: "The database's host, `localhost` unless given. Any one of these five names makes the address",
  },
  { name: "DATABASE_PORT", becomes: "DATABASE_URL", description: "The database's port, `5432` unless given" },
  { name: "DATABASE_USER", becomes: "DATABASE_URL", description: "The database's user, `postgres` unless given" },
  { name: "DATABASE_PASSWORD", becomes: "DATABASE_URL", description: "Their password, `postgres` unless given" },
  { name: "DATABASE_NAME", becomes: "DATABASE_URL", description: "The database, `taskdb` unless given" },
  { name: "DATABASE_TABLE_NAME", becomes: null, description: "No effect: tables have names of their own" },
  { name: "MQ_HOSTNAME", becomes: "AMQP_URL", description: "RabbitMQ's host; the port is 5672 and the user `guest`, as in the original" },
  { name: "WORKER_DIRECTORY_PATH", becomes: "BACKLOT_HOME_FOLDER", description: "The folder in which scripts run" },
  { name: "WORKER_SCRIPT_PATH", becomes: "BACKLOT_SCRIPTS", description: "The folder with the scripts" },
  { name: "WORKER_STDOUT_PATH", becomes: "BACKLOT_TASK_STDOUT", description: "The folder of `UID_stdout.log`" },
  { name: "WORKER_STDERR_PATH", becomes: "BACKLOT_TASK_STDERR", description: "The folder of `UID_stderr.log`" },
  {
    name: "WORKER_ALLOW_SHELL",
    becomes: "BACKLOT_TASK_COMMANDS",
    description: "`1`, `true`, `yes`, `on` let tasks run any command; `0`, `false`, `no`, `off` do not (in the original, `0` did)",
  },
  { name: "FTP_HOSTNAME", becomes: "BACKLOT_FTP_HOST", description: "The address that FTP listens on" },
  { name: "FTP_PORT", becomes: "BACKLOT_FTP_PORT", description: "The port of FTP" },
  {
    name: "FTP_USER",
    becomes: "BACKLOT_FTP_DEMO_ACCOUNT",
    description: "The name of the account for the home folder, `ftp` unless given; either of the two names makes it, on this machine only",
  },
  { name: "FTP_PASSWORD", becomes: "BACKLOT_FTP_DEMO_ACCOUNT", description: "Its password, `ftp` unless given" },
  { name: "FTP_DIRECTORY", becomes: null, description: "No effect: the folder is that of `BACKLOT_HOME_FOLDER`" },
];

const copied: Readonly<Record<string, string>> = {
  WORKER_DIRECTORY_PATH: "BACKLOT_HOME_FOLDER",
  WORKER_SCRIPT_PATH: "BACKLOT_SCRIPTS",
  WORKER_STDOUT_PATH: "BACKLOT_TASK_STDOUT",
  WORKER_STDERR_PATH: "BACKLOT_TASK_STDERR",
  FTP_HOSTNAME: "BACKLOT_FTP_HOST",
  FTP_PORT: "BACKLOT_FTP_PORT",
};
const ignored = originalNames.flatMap(({ name, becomes }) => (becomes === null ? [name] : []));
const databaseParts = ["DATABASE_HOSTNAME", "DATABASE_PORT", "DATABASE_USER", "DATABASE_PASSWORD", "DATABASE_NAME"] as const;
const yes = ["1", "true", "yes", "on"];
const no = ["", "0", "false", "no", "off"];

/**
 * The environment with the original's names translated, and a line for each that has no effect. A setting under its own name
 * always wins. Done once, before any process reads its part.
 * @throws {ConfigError} with everything that cannot be understood.
 */
export function withOriginalNames(environment: Environment): { readonly environment: Environment; readonly notices: readonly string[] } {
  const problems: string[] = [];
  const told = (name: string): string => (environment[name] ?? "").trim();
  const found: Record<string, string> = {};
  for (const [name, setting] of Object.entries(copied)) if (told(name) !== "") found[setting] = told(name);
  // "2" is what the original's own compose file calls off.
  if (isOn("WEB_DEBUG_MODE", [...no, "2"])) found.BACKLOT_LOG_LEVEL = "debug";
  if (told("WORKER_ALLOW_SHELL") !== "") found.BACKLOT_TASK_COMMANDS = String(isOn("WORKER_ALLOW_SHELL", no));
  if (told("FTP_USER") !== "" || told("FTP_PASSWORD") !== "")
    found.BACKLOT_FTP_DEMO_ACCOUNT = `${told("FTP_USER") || "ftp"}:${environment.FTP_PASSWORD || "ftp"}`;
  const broker = told("MQ_HOSTNAME");
  if (broker !== "" && isHost("MQ_HOSTNAME", broker)) found.AMQP_URL = `amqp://guest:guest@${inUrl(broker)}:5672`;
  if (databaseParts.some((name) => told(name) !== "") && !isGiven(environment, "DATABASE_URL")) {
    const host = told("DATABASE_HOSTNAME") || "localhost";
    const port = told("DATABASE_PORT") || "5432";
    if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) problems.push(`DATABASE_PORT: "${port}" is not a port`);
    if (isHost("DATABASE_HOSTNAME", host)) {
      const user = encodeURIComponent(told("DATABASE_USER") || "postgres");
      const password = encodeURIComponent(environment.DATABASE_PASSWORD || "postgres");
      found.DATABASE_URL = `postgres://${user}:${password}@${inUrl(host)}:${port}/${encodeURIComponent(told("DATABASE_NAME") || "taskdb")}`;
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const added = Object.fromEntries(Object.entries(found).filter(([name]) => !isGiven(environment, name)));
  const notices = ignored.filter((name) => told(name) !== "").map((name) => `${name} has no effect: see docs/configuration.md`);
  return { environment: { ...environment, ...added }, notices };

  function isOn(name: string, off: readonly string[]): boolean {
    const value = told(name).toLowerCase();
    if (!yes.includes(value) && !off.includes(value)) problems.push(`${name}: "${told(name)}" is neither yes nor no; write 1 or 0`);
    return yes.includes(value);
  }

  function isHost(name: string, host: string): boolean {
    const isOne = /^[\w.-]+$/.test(host) || /^[0-9a-f:.]+$/i.test(host);
    if (!isOne) problems.push(`${name}: "${host}" is not the name or the address of a host`);
    return isOne;
  }
}

function isGiven(environment: Environment, name: string): boolean {
  return Boolean(environment[name] || environment[`${name}_FILE`]);
}

function inUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
