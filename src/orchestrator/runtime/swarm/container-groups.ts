import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type CgroupHome, findCgroupHome } from "../process/cgroup-plan.ts";
import { cpuMsOfStat, type RunUsage } from "../process/run-cgroup.ts";

// What containers use, by the kernel's own groups. A container's group goes with it, so that a run has one of ours around it, which stays.

const nothing: RunUsage = { cpuMs: null, peakMemoryBytes: null };

/** What the container of this first process holds in memory now, caches of files included; null where that cannot be seen from here. */
export function memoryOfContainer(pid: number): number | null {
  const home = homeOf(pid);
  const folder = home === null ? undefined : countingFolders(home).memory;
  return folder === undefined ? null : numberIn(join(folder, home?.version === 2 ? "memory.current" : "memory.usage_in_bytes"));
}

/** Lets the container of this first process have no swap beside its memory; says whether that could be set from here. */
export function forbidSwap(pid: number): boolean {
  const home = homeOf(pid);
  const folder = home === null ? undefined : countingFolders(home).memory;
  if (home === null || folder === undefined) return false;
  // Version 1 limits memory and swap together.
  const [file, value] = home.version === 2 ? ["memory.swap.max", 0] : ["memory.memsw.limit_in_bytes", numberIn(join(folder, "memory.limit_in_bytes"))];
  try {
    writeFileSync(join(folder, file), String(value), { flag: "r+" });
    return true;
  } catch {
    return false; // the container has ended, nobody counts swap here, or the groups are only to be read
  }
}

/** Groups around the containers of runs. */
export interface RunGroups {
  /** What the engine is told: it makes the group, and the container's in it. */
  parentOf(start: string): string;
  /** What everything in it has used, also when the container has gone. */
  usage(start: string): RunUsage;
  /** Once the container has gone. */
  remove(start: string): Promise<void>;
  /** Removes those that an earlier orchestrator left behind. */
  sweep(): Promise<void>;
}

/**
 * Groups for runs, beside the group of a container that runs. None where the engine leaves groups to systemd, which makes and removes them itself, or
 * where they cannot be seen from here.
 */
export function openRunGroups(installation: string, { pid, driver }: { readonly pid: number; readonly driver: string }): RunGroups | null {
  const home = driver === "cgroupfs" ? homeOf(pid) : null;
  if (home === null) return null;
  const { memory, time, path } = countingFolders(home);
  if (memory === undefined || time === undefined || path === undefined || !existsSync(memory) || !existsSync(time)) return null;
  // Version 1 counts what is below a group only where it is told to; since Linux 5.11 it always does.
  if (home.version === 1 && numberIn(join(memory, "memory.use_hierarchy")) === 0) return null;
  const parent = join(dirname(path), `backlot-${installation}`);
  const aside = { memory: join(dirname(memory), `backlot-${installation}`), time: join(dirname(time), `backlot-${installation}`) };
  const folders = mountPoints().map((folder) => join(folder, parent));
  const removeAll = async (name: string): Promise<void> => {
    for (const folder of folders) await rmdir(join(folder, name)).catch(() => undefined);
  };
  return {
    parentOf: (start) => join(parent, start),
    usage: (start) => usageIn(home.version, { memory: join(aside.memory, start), time: join(aside.time, start) }),
    remove: removeAll,
    sweep: async () => {
      const left = new Set(folders.flatMap((folder) => (existsSync(folder) ? groupsIn(folder) : [])));
      // One in which something runs cannot be removed, and stays.
      for (const name of left) await removeAll(name);
    },
  };
}

function usageIn(version: 1 | 2, { memory, time }: { readonly memory: string; readonly time: string }): RunUsage {
  if (!existsSync(memory) || !existsSync(time)) return nothing;
  if (version === 2) return { cpuMs: cpuMsOfStat(textIn(join(time, "cpu.stat"))), peakMemoryBytes: numberIn(join(memory, "memory.peak")) };
  const nanoseconds = numberIn(join(time, "cpuacct.usage"));
  return { cpuMs: nanoseconds === null ? null : Math.round(nanoseconds / 1e6), peakMemoryBytes: numberIn(join(memory, "memory.max_usage_in_bytes")) };
}

function homeOf(pid: number): CgroupHome | null {
  const groups = textIn(`/proc/${pid}/cgroup`);
  // A path that leads out of what we see: the container stands beside us, in a place of its own.
  return groups === null || groups.includes("/..") ? null : findCgroupHome(readFileSync("/proc/self/mounts", "utf8"), groups);
}

/** Where a process is counted, and the path of its group below the mounts. */
function countingFolders(home: CgroupHome): { readonly memory: string | undefined; readonly time: string | undefined; readonly path: string | undefined } {
  // The topmost group, which comes second, is nobody's in particular.
  const [memory, top] = home.version === 1 ? (home.folders.memory ?? []) : home.freezer;
  const [time, topOfTime] = home.version === 1 ? home.accounting : home.freezer;
  if (memory === undefined || top === undefined || time === undefined || topOfTime === undefined)
    return { memory: undefined, time: undefined, path: undefined };
  return { memory, time, path: memory.slice(top.length) };
}

function mountPoints(): readonly string[] {
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  return [...new Set(mounts.map((line) => line.split(" ")).flatMap(([, folder = "", type = ""]) => (type === "cgroup" || type === "cgroup2" ? [folder] : [])))];
}

function groupsIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

function numberIn(file: string): number | null {
  const text = textIn(file);
  const value = Number(text);
  return text === null || !Number.isFinite(value) ? null : value;
}

function textIn(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null; // the group has gone
  }
}
