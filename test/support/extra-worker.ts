import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Backlot, checkout } from "./backlot.ts";

/** One more worker beside a running Backlot, as `backlot run worker` on another host would be. */
export interface ExtraWorker extends AsyncDisposable {
  readonly pid: number;
  /** Settles when it has ended. */
  readonly exited: Promise<unknown>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts `backlot run worker` with the settings that the supervisor gives its own, and resolves when it said that it runs. */
export async function startExtraWorker(backlot: Backlot, environment: Readonly<Record<string, string>> = {}): Promise<ExtraWorker> {
  const child = spawn(process.execPath, [join(checkout, "bin/backlot.mjs"), "run", "worker"], {
    env: { ...(await environmentOfControl(backlot)), BACKLOT_LOG_LEVEL: "info", ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await readyLine(child);
  const exited = once(child, "exit");
  return {
    pid: child.pid ?? 0,
    exited,
    kill: (signal) => void child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** The environment of the process that runs manager and worker: on another host an administrator writes the same. */
export async function environmentOfControl(backlot: Backlot): Promise<Readonly<Record<string, string>>> {
  const control = backlot.processes().find(({ command }) => command.includes("manager,worker"));
  if (control === undefined) throw new Error("no process runs manager and worker");
  const text = await readFile(`/proc/${control.pid}/environ`, "utf8");
  const pairs = text.split("\0").flatMap((line) => {
    const at = line.indexOf("=");
    return at <= 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
  });
  return Object.fromEntries(pairs.filter(([name]) => !name.startsWith("NODE_CHANNEL")));
}

async function readyLine(child: ChildProcess): Promise<void> {
  let said = "";
  const gone = once(child, "exit").then(([code]) => {
    throw new Error(`the worker ended with ${code}: ${said.slice(-4000)}`);
  });
  gone.catch(() => undefined);
  if (child.stdout === null) return;
  const ready = Promise.withResolvers<void>();
  child.stdout.on("data", (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-100_000);
    if (said.includes('"ready"')) ready.resolve();
  });
  await Promise.race([ready.promise, gone]);
}
