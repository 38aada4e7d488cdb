import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunLimits } from "#contract/task.ts";
import { codeOf } from "#kit/jail/descriptor.ts";
import { type Cgroups, removeFolder, type SiteCgroup } from "./cgroups.ts";

/** What a run has used; null is what this machine does not count. */
export interface RunUsage {
  readonly cpuMs: number | null;
  readonly peakMemoryBytes: number | null;
}

/** The control group of one run: its own, so that no run takes anything from its site's server. */
export interface RunCgroup extends Pick<SiteCgroup, "join" | "limit" | "processes" | "oomKills" | "remove"> {
  /** What was used since it was made, or since `begin`. */
  usage(): RunUsage;
  /** Begins to count for another run. */
  begin(): void;
  /** Gives back what the last run has left of files in memory, when that is much: the next peak would begin with it. Null when it is not. */
  clear(): Promise<void> | null;
  /** Processes and threads, also such as have ended and wait to be collected; null where they are not counted. */
  tasks(): number | null;
  /** Whether it can count the peak of memory anew; where it cannot, the next run needs another group. */
  readonly countsAnew: boolean;
}

/** A nursery, the gate and what the kernel keeps of them change by less from run to run. */
const worthClearingBytes = 4 * 1024 * 1024;
/** Whatever else cannot be given back at once, since a disk has to write it first, can be after the next run. */
const mostHeldBytes = 8 * 1024 * 1024;

/** Without limits it gets them later, by `limit`. */
export function makeRunCgroup(cgroups: Cgroups, name: string, limits?: Pick<RunLimits, "cpu" | "memoryBytes" | "pids">): RunCgroup {
  const { version, folders, accounting } = cgroups.parents;
  const group = cgroups.prepare(name);
  if (limits !== undefined) group.limit(limits);
  const memory = folders.memory === undefined ? null : join(folders.memory, name);
  const counted = version === 2 ? (folders.cpu ?? null) : accounting;
  const time = counted === null ? null : join(counted, name);
  const limiting = [...new Set(Object.values(folders).map((parent) => join(parent, name)))];
  // Where the same folder limits the processor, the group is there already.
  const isExtra = time !== null && !existsSync(time);
  if (isExtra) mkdirSync(time);
  const cpuTime = (): number | null => {
    if (time === null) return null;
    return version === 2 ? cpuMsOfStat(read(join(time, "cpu.stat"))) : scaled(read(join(time, "cpuacct.usage")), 1e-6);
  };
  const before = { cpuMs: 0, oomKills: 0 };
  /** What cannot be given back. */
  let heldBytes = 0;
  return {
    limit: (later) => {
      // Neither limit of version 1 may pass the other on its way.
      if (version === 1 && memory !== null) writeUnlessAbsent(join(memory, "memory.memsw.limit_in_bytes"), "-1");
      group.limit(later);
    },
    processes: () => group.processes(),
    oomKills: () => group.oomKills() - before.oomKills,
    tasks: () => (folders.pids === undefined ? null : scaled(read(join(folders.pids, name, "pids.current")), 1)),
    // Version 2 forgets a peak only where the kernel is 6.12 or newer.
    countsAnew: version === 1,
    begin: () => {
      before.cpuMs = cpuTime() ?? 0;
      before.oomKills = group.oomKills();
      if (version === 1 && memory !== null) writeFileSync(join(memory, "memory.max_usage_in_bytes"), "0");
    },
    clear: () => {
      if (version === 2 || memory === null || (group.memoryBytes() ?? 0) < heldBytes + worthClearingBytes) return null;
      const isDone = (): void => {
        heldBytes = Math.min(mostHeldBytes, group.memoryBytes() ?? 0);
      };
      // It gives back what it can; what stays makes a peak too large, and nothing else.
      return writeFile(join(memory, "memory.force_empty"), "0").then(isDone, isDone);
    },
    // The kernel takes its time over each of them: all at once, and never while we wait.
    join: async (pid) => {
      await Promise.all([...limiting, ...(isExtra ? [time] : [])].map((folder) => writeFile(join(folder, "cgroup.procs"), String(pid)).catch(unlessGone)));
    },
    usage: () => ({
      cpuMs: since(cpuTime(), before.cpuMs),
      peakMemoryBytes: memory === null ? null : scaled(read(join(memory, version === 2 ? "memory.peak" : "memory.max_usage_in_bytes")), 1),
    }),
    remove: async () => {
      await group.remove();
      if (isExtra) await removeFolder(time);
    },
  };
}

/** Milliseconds of the processor, by the text of version 2's `cpu.stat`. */
export function cpuMsOfStat(text: string | null): number | null {
  const found = /^usage_usec (\d+)$/m.exec(text ?? "")?.[1];
  return found === undefined ? null : Math.round(Number(found) / 1000);
}

function writeUnlessAbsent(file: string, value: string): void {
  if (existsSync(file)) writeFileSync(file, value);
}

function since(value: number | null, before: number): number | null {
  return value === null ? null : value - before;
}

function unlessGone(error: unknown): void {
  if (codeOf(error) !== "ESRCH") throw error;
}

function scaled(text: string | null, factor: number): number | null {
  const value = text === null ? Number.NaN : Number(text.trim());
  return text === null || text.trim() === "" || !Number.isFinite(value) ? null : Math.round(value * factor);
}

function read(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null; // older kernels have no memory.peak
  }
}
