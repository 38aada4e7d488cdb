import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type SiteServerAnswer, siteServerRequest } from "#contract/internal/supervisor.ts";
import { ConfigError } from "#kit/config.ts";
import type { Environment } from "#kit/lifecycle.ts";
import { type ChildMessage, childMessage, unusableSettingsExitCode } from "./child-protocol.ts";
import type { Life } from "./kept-process.ts";

/** A Node process to start: everything that it gets to know. */
export interface ChildCommand {
  readonly name: string;
  readonly args: readonly string[];
  readonly environment: Environment;
}

/** What the caller of `launchChild` decides. */
export interface LaunchOptions {
  readonly signal: AbortSignal;
  readonly onReady: (message: ChildMessage) => void;
  /** How long the child has between being asked to end and being killed. */
  readonly graceMs: number;
  /** Gives the administrator's address of the server of sites' databases, started if need be; absent for a child that may not have it. */
  readonly needSiteServer?: (() => Promise<string>) | undefined;
}

/** A first start with many migrations on a slow disk takes a while; one that hangs must still end. */
const readyWithinMs = 120_000;

/** Starts a supervised process and resolves when it says that its doors are open. */
export async function launchChild(command: ChildCommand, options: LaunchOptions): Promise<Life> {
  options.signal.throwIfAborted();
  const child = spawn(process.execPath, [...command.args], {
    env: { ...command.environment },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    // A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which ends the others in order.
    detached: true,
  });
  const exited = exitOf(child);
  const stop = () => stopChild(child, exited, options.graceMs);
  const pid = await spawned(child);
  const life: Life = { pid, exited, stop };
  try {
    answerRequests(child, options.needSiteServer);
    options.onReady(await readiness(child, command.name, options.signal));
  } catch (error) {
    await stop();
    throw error;
  }
  return life;
}

async function spawned(child: ChildProcess): Promise<number> {
  if (child.pid === undefined) await once(child, "spawn");
  if (child.pid === undefined) throw new Error("the process has no number");
  return child.pid;
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `ended by ${signal}`));
    child.once("error", (error) => resolve(error.message));
  });
}

function answerRequests(child: ChildProcess, needSiteServer: (() => Promise<string>) | undefined): void {
  child.on("message", (message) => {
    const request = siteServerRequest.safeParse(message);
    if (!request.success) return;
    const answer = (result: SiteServerAnswer["result"]): void => {
      // A child that has ended meanwhile asks again when it is back.
      if (child.connected) child.send({ type: "site-server", id: request.data.id, result } satisfies SiteServerAnswer, () => undefined);
    };
    if (needSiteServer === undefined) return answer({ problem: "this process may not have it" });
    needSiteServer().then(
      (url) => answer({ url }),
      (error: unknown) => answer({ problem: error instanceof ConfigError ? error.problems.join(" ") : String(error) }),
    );
  });
}

function readiness(child: ChildProcess, name: string, stopping: AbortSignal): Promise<ChildMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<ChildMessage>();
  const waiting = AbortSignal.any([stopping, AbortSignal.timeout(readyWithinMs)]);
  const onAbort = (): void => reject(new Error(`${name} was not ready in time`, { cause: waiting.reason }));
  waiting.addEventListener("abort", onAbort);
  child.on("message", (message) => {
    if (siteServerRequest.safeParse(message).success) return;
    const parsed = childMessage.safeParse(message);
    if (parsed.success) resolve(parsed.data);
    else reject(new Error(`${name} sent something that is no message of a supervised process`, { cause: parsed.error }));
  });
  child.once("error", reject);
  child.once("exit", (code, signal) => {
    if (code === unusableSettingsExitCode) reject(new ConfigError([`${name} cannot run with these settings; it said why just above`]));
    else reject(new Error(`${name} ended before it was ready: ${signal ?? `exit code ${code}`}`));
  });
  return promise.finally(() => waiting.removeEventListener("abort", onAbort));
}

async function stopChild(child: ChildProcess, exited: Promise<string>, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const killer = setTimeout(() => child.kill("SIGKILL"), graceMs);
  await exited;
  clearTimeout(killer);
}
