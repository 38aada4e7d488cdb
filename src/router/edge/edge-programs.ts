import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import path from "node:path";
import { ConfigError } from "#kit/config.ts";
import type { Log } from "#kit/log.ts";
import { openFiles } from "#kit/open-files.ts";
import { asReader } from "./edge-plan.ts";
import type { SendCommand } from "./haproxy/command-socket.ts";
import { errorFiles } from "./haproxy/error-files.ts";
import { type HaproxyFacts, haproxyConfig } from "./haproxy/haproxy-config.ts";
import { KeptProgram, programEnvironment } from "./kept-program.ts";
import { nginxConfig } from "./nginx/nginx-config.ts";
import { type EdgeUser, giveTo } from "./run-folder.ts";

/** A program with its configuration written and found valid. */
export interface PreparedProgram {
  readonly kept: KeptProgram;
  /** One that is left over has the same configuration. */
  readonly isSame: boolean;
}

/** Writes HAProxy's configuration and checks it. @throws {ConfigError} in HAProxy's own words. */
export async function prepareHaproxy(options: {
  readonly file: string;
  readonly folder: string;
  readonly recordFolder: string;
  readonly facts: HaproxyFacts;
  readonly send: SendCommand;
  readonly log: Log;
  /** Called right before each start, to write the map. */
  readonly beforeStart: () => Promise<void>;
  readonly onReady: () => void;
  readonly onGone: () => void;
}): Promise<PreparedProgram> {
  const { file, folder, facts, send, log } = options;
  await mkdir(facts.places.errors, { recursive: true, mode: 0o755 });
  for (const [name, text] of errorFiles()) await writeFile(path.join(facts.places.errors, name), text);
  await writeFile(facts.places.map, "", { flag: "a", mode: 0o600 });
  const configuration = path.join(folder, "haproxy.cfg");
  const isSame = await writeChanged(configuration, haproxyConfig(facts));
  await check(file, ["-c", "-q", "-f", configuration], "BACKLOT_HAPROXY");
  const kept = new KeptProgram({
    name: "haproxy",
    key: "haproxy",
    file,
    args: ["-W", "-db", "-S", `${folder}/master.sock,mode,600`, "-f", configuration],
    folder,
    recordFolder: options.recordFolder,
    log,
    prepare: options.beforeStart,
    isReady: async () => /^Pid: /m.test(await send("show info").catch(() => "")),
    onReady: options.onReady,
    onGone: options.onGone,
    // Asks the master for a soft stop: no new connections, what is under way ends.
    endSignal: "SIGUSR1",
  });
  return { kept, isSame };
}

/** Writes nginx's configuration and checks it. @throws {ConfigError} in nginx's own words. */
export async function prepareNginx(options: {
  readonly file: string;
  readonly folder: string;
  readonly recordFolder: string;
  readonly socket: string;
  readonly sitesFolder: string;
  readonly workers: number;
  readonly connections: number;
  readonly user: EdgeUser | null;
  readonly log: Log;
}): Promise<PreparedProgram> {
  const { file, folder, socket, sitesFolder, workers, connections, user, log } = options;
  const own = path.dirname(socket);
  await mkdir(own, { mode: 0o700 }).catch(() => undefined);
  giveTo(own, user);
  const configuration = path.join(own, "nginx.conf");
  const rendered = configError(() => nginxConfig({ sitesFolder, socket, folder: own, workers, connections, openFiles: openFiles() }));
  const isSame = await writeChanged(configuration, rendered);
  await chmod(configuration, 0o644);
  const messages = path.join(own, "nginx.log");
  await writeFile(messages, "", { flag: "a" });
  giveTo(messages, user);
  const args = ["-p", own, "-c", configuration, "-e", messages];
  const command = user === null ? { file, args } : { file: "setpriv", args: asReader(user, file, args) };
  const test = user === null ? ["-t", "-q", ...args] : asReader(user, file, ["-t", "-q", ...args]);
  // The test opens the socket, which a running nginx has.
  await check(command.file, test, "BACKLOT_NGINX");
  const kept = new KeptProgram({
    name: "nginx",
    key: `nginx${path.basename(own).replace("static", "-").replace(/-$/, "")}`,
    ...command,
    folder,
    recordFolder: options.recordFolder,
    log,
    prepare: () => rm(socket, { force: true }),
    isReady: () => answers(socket),
    onReady: () => undefined,
    onGone: () => undefined,
    endSignal: "SIGQUIT",
  });
  return { kept, isSame };
}

async function writeChanged(file: string, text: string): Promise<boolean> {
  const before = await readFile(file, "utf8").catch(() => null);
  if (before !== text) await writeFile(file, text, { mode: 0o600 });
  return before === text;
}

function configError<T>(render: () => T): T {
  try {
    return render();
  } catch (error) {
    throw new ConfigError([`BACKLOT_DATA: ${error instanceof Error ? error.message : "not usable"}`]);
  }
}

async function check(file: string, args: readonly string[], setting: string): Promise<void> {
  const child = spawn(file, [...args], { stdio: ["ignore", "pipe", "pipe"], env: programEnvironment, timeout: 20_000, killSignal: "SIGKILL" });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      if (said.length < 8192) said += chunk.toString("utf8");
    });
  }
  const outcome = await Promise.race([once(child, "close"), once(child, "error")]).catch((error: unknown) => [error]);
  const [first] = outcome as [unknown];
  if (first instanceof Error) throw new ConfigError([`${setting}: ${file} cannot be run (${first.message}); install it, or name its program`]);
  if (first !== 0) throw new ConfigError([`${setting}: ${file} refuses its configuration: ${said.trim()}`]);
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ socketPath: socket, path: "/", agent: false, timeout: 1000 }, (response) => {
      response.resume();
      resolve(true);
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(false));
    asked.end();
  });
}
