import { readdirSync, readFileSync } from "node:fs";
import { z } from "zod";

/** A process that cannot be mistaken for a later one with the same number: `startTime` counts clock ticks since the machine booted. */
export const processId = z.object({ pid: z.int().positive(), startTime: z.string() });
export type ProcessId = z.output<typeof processId>;

interface Stat {
  readonly name: string;
  readonly state: string;
  readonly group: number;
  readonly startTime: string;
}

/** Null when there is no such process, or it has ended and only waits to be collected. */
export function identify(pid: number): ProcessId | null {
  const stat = statOf(pid);
  return stat === null || "ZX".includes(stat.state) ? null : { pid, startTime: stat.startTime };
}

/** Whether it still runs. */
export function isAlive({ pid, startTime }: ProcessId): boolean {
  return identify(pid)?.startTime === startTime;
}

/** Ends what is left of a program's process group: workers whose master has died. Only processes of that name, which a later group of the same number is not. */
export function killGroup(group: number, name: string): void {
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = statOf(Number(entry));
    if (stat?.group !== group || stat.name !== name || "ZX".includes(stat.state)) continue;
    send(Number(entry), "SIGKILL");
  }
}

/** Sends a signal, unless the process is gone or its number belongs to another by now. */
export function signalProcess(target: ProcessId, name: NodeJS.Signals): void {
  if (isAlive(target)) send(target.pid, name);
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function statOf(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name stands in brackets and may hold any characters.
    const close = text.lastIndexOf(")");
    const fields = text.slice(close + 2).split(" ");
    return { name: text.slice(text.indexOf("(") + 1, close), state: fields[0] ?? "X", group: Number(fields[2]), startTime: fields[19] ?? "" };
  } catch {
    return null;
  }
}
