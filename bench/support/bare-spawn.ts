import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** A copy of a starter outside this repository, whose package.json would make its files modules; removed with its scope. */
export async function copyOfStarter(name: string): Promise<{ readonly folder: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "backlot-bench-starter-"));
  await cp(fileURLToPath(new URL(`../../starters/${name}/`, import.meta.url)), folder, { recursive: true });
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** How long a program takes from being spawned, without any platform, to its first answer; in milliseconds. */
export async function bareSpawnMs(command: readonly [string, ...string[]], folder: string): Promise<number> {
  const port = await freePort();
  const [file, ...args] = command;
  const beganAt = performance.now();
  const child = spawn(file, args, { cwd: folder, env: { PATH: process.env.PATH, HOST: "127.0.0.1", PORT: String(port) }, stdio: "ignore" });
  while (!(await answers(port))) if (performance.now() - beganAt > 20_000) throw new Error("the program did not answer");
  const tookMs = performance.now() - beganAt;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
  return tookMs;
}

/** A program without any platform, to be stopped and continued. */
export interface BareProgram extends AsyncDisposable {
  readonly pid: number;
  /** How long its first answer takes from the signal that lets it go on; in milliseconds. */
  stopAndContinueMs(): Promise<number>;
}

export async function startBare(command: readonly [string, ...string[]], folder: string): Promise<BareProgram> {
  const port = await freePort();
  const [file, ...args] = command;
  const child = spawn(file, args, { cwd: folder, env: { PATH: process.env.PATH, HOST: "127.0.0.1", PORT: String(port) }, stdio: "ignore" });
  const beganAt = performance.now();
  while (!(await answers(port))) if (performance.now() - beganAt > 20_000) throw new Error("the program did not answer");
  if (child.pid === undefined) throw new Error("the program was not started");
  return {
    pid: child.pid,
    stopAndContinueMs: async () => {
      child.kill("SIGSTOP");
      await delay(50);
      const from = performance.now();
      child.kill("SIGCONT");
      if (!(await answers(port))) throw new Error("the program did not answer");
      return performance.now() - from;
    },
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request({ host: "127.0.0.1", port, agent: false }, (response) => {
      response.resume();
      response.once("end", () => resolve(true));
    });
    sent.once("error", () => setTimeout(resolve, 1, false));
    sent.end();
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
