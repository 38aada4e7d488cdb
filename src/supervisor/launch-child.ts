import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
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

function readiness(child: ChildProcess, name: string, stopping: AbortSignal): Promise<ChildMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<ChildMessage>();
  const waiting = AbortSignal.any([stopping, AbortSignal.timeout(readyWithinMs)]);
  const onAbort = (): void => reject(new Error(`${name} was not ready in time`, { cause: waiting.reason }));
  waiting.addEventListener("abort", onAbort);
  child.on("message", (message) => {
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
