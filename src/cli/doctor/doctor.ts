import { readFile } from "node:fs/promises";
import { CliError, ExitWith, exitCodes } from "../exit-code.ts";
import { readEndpoints } from "../server-address.ts";
import type { Session } from "../session.ts";
import { plain } from "../terminal.ts";
import { checkBroker } from "./broker.ts";
import type { Check } from "./check.ts";
import { checkDocker } from "./docker.ts";
import { checkEdge } from "./edge.ts";
import { checkFreezing } from "./freezing.ts";
import { checkFtp, ftpHost } from "./ftp.ts";
import { checkIsolation } from "./isolation.ts";
import { checkDatabase, checkDisk, checkInterpreters, checkPort, checkSiteDatabases, checkSystem } from "./machine.ts";
import { checkRedis } from "./redis.ts";
import { checkServer } from "./server.ts";

/** Says what this machine has, uses and lacks. Ends with 1 when something is missing that Backlot cannot do without. */
export async function doctor(session: Session): Promise<void> {
  const checks = await everyCheck(session);
  const { green, yellow, red, dim } = session.outStyle;
  const marks = { ok: green("✓"), limited: yellow("!"), missing: red("✗"), info: dim("·") };
  const width = Math.max(...checks.map((check) => check.name.length));
  const lines = checks.map((check) => {
    const advice = check.advice === undefined ? "" : `\n  ${" ".repeat(width)}  → ${plain(check.advice)}`;
    return `${marks[check.state]} ${check.name.padEnd(width)}  ${plain(check.detail)}${advice}\n`;
  });
  await session.answerAsIs({ checks }, lines.join(""));
  const missing = checks.filter((check) => check.state === "missing").map((check) => check.name);
  if (missing.length === 0) return;
  // The one JSON value has said it.
  if (session.isJson) throw new ExitWith(exitCodes.failed);
  throw new CliError("machine_lacks", `Missing on this machine: ${missing.join(", ")}.`, { exitCode: exitCodes.failed });
}

async function everyCheck(session: Session): Promise<readonly Check[]> {
  const { environment } = session;
  const endpoints = await readEndpoints(environment);
  const host = environment.BACKLOT_HOST || "127.0.0.1";
  const held = [endpoints?.manager, endpoints?.router, endpoints?.ftp, endpoints?.ssh].flatMap((url) => (url === undefined ? [] : [Number(new URL(url).port)]));
  const door = (name: string, [variable, byDefault]: readonly [string, number], at = host): Promise<Check> => {
    const port = Number(environment[variable] || byDefault);
    return checkPort(name, { variable, port, host: at, isOurs: held.includes(port) });
  };
  const found = await Promise.all([
    checkSystem(),
    checkDatabase(environment),
    checkSiteDatabases(environment),
    checkBroker(environment),
    checkRedis(environment),
    checkDocker(environment),
    checkEdge(environment),
    checkIsolation(process.getuid?.() === 0),
    readFile("/proc/self/mounts", "utf8").then(checkFreezing, () => checkFreezing("")),
    checkInterpreters(),
    checkDisk(environment),
    door("dashboard door", ["BACKLOT_PORT", 8000]),
    door("sites door", ["BACKLOT_ROUTER_PORT", 8080]),
    door("FTP door", ["BACKLOT_FTP_PORT", 2121], ftpHost(environment)),
    checkFtp(environment),
    door("SSH door", ["BACKLOT_SSH_PORT", 2222], environment.BACKLOT_SSH_HOST || host),
    checkServer(session),
  ]);
  return found.flat();
}
