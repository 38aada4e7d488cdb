import { readdirSync, readFileSync } from "node:fs";

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since the machine booted. */
  readonly startTime: string;
}

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

export function isAlive({ pid, startTime }: ProcessId): boolean {
  return identify(pid)?.startTime === startTime;
}

/** Ends what is left of a program's process group: workers whose master has died. Only processes of that name, which a later group of the same number is not. */
export function killGroup(group: number, name: string): void {
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = statOf(Number(entry));
    if (stat?.group !== group || stat.name !== name || "ZX".includes(stat.state)) continue;
    signal(Number(entry), "SIGKILL");
  }
}

/** Sends a signal; says whether the process was there. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
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
