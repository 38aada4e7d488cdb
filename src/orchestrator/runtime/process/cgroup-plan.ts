import type { SiteLimits } from "#contract/site.ts";

// Limits of the kernel's control groups as values, for both of their versions.

export const controllers = ["memory", "cpu", "pids"] as const;
export type Controller = (typeof controllers)[number];

/** Where a controller's groups stand; under version 2 all of them in one folder. */
export interface CgroupHome {
  readonly version: 1 | 2;
  /**
   * Absolute folders of groups that ours can be made in, best first: our own group, then the topmost (in a container the path
   * of our own may not show below the mount). A controller that this machine lacks is absent.
   */
  readonly folders: Partial<Readonly<Record<Controller, readonly string[]>>>;
  /** The same for version 2's own groups, which can be frozen; next to version 1 they may be there without any controller. */
  readonly freezer: readonly string[];
  /** The same for the groups in which version 1 counts the processor's time; version 2 counts in every group. */
  readonly accounting: readonly string[];
}

/** A file to write in a controller's folder of the group. */
export interface CgroupWrite {
  readonly controller: Controller;
  readonly file: string;
  readonly value: string;
  /** Not every kernel has it; the limit holds without. */
  readonly isOptional: boolean;
}

/** The sandbox itself: bubblewrap outside and inside. */
const sandboxPids = 2;
const periodUs = 100_000;

/** What to write into a new group, in this order. */
export function cgroupWrites(version: 1 | 2, limits: Pick<SiteLimits, "memoryBytes" | "cpu" | "pids">): readonly CgroupWrite[] {
  const write = (controller: Controller, file: string, value: number | string): CgroupWrite => ({ controller, file, value: String(value), isOptional: false });
  const optional = (controller: Controller, file: string, value: number | string): CgroupWrite => ({ ...write(controller, file, value), isOptional: true });
  const pids = limits.pids + sandboxPids;
  if (version === 2) {
    return [
      write("memory", "memory.max", limits.memoryBytes),
      optional("memory", "memory.swap.max", 0),
      cpuWrite(version, limits.cpu),
      write("pids", "pids.max", pids),
    ];
  }
  return [
    write("memory", "memory.limit_in_bytes", limits.memoryBytes),
    // Memory and swap together: no swap. It may not be below the limit of memory, so it comes second.
    optional("memory", "memory.memsw.limit_in_bytes", limits.memoryBytes),
    write("cpu", "cpu.cfs_period_us", periodUs),
    cpuWrite(version, limits.cpu),
    write("pids", "pids.max", pids),
  ];
}

/** What to write to give a group this much of the processor, now or later. */
export function cpuWrite(version: 1 | 2, cpu: number): CgroupWrite {
  const quotaUs = Math.round(cpu * periodUs);
  const value = version === 2 ? `${quotaUs} ${periodUs}` : String(quotaUs);
  return { controller: "cpu", file: version === 2 ? "cpu.max" : "cpu.cfs_quota_us", value, isOptional: false };
}

/** The file that counts programs ended by the memory limit. */
export function oomFile(version: 1 | 2): string {
  return version === 2 ? "memory.events" : "memory.oom_control";
}

/** How many processes the memory limit has ended, by the text of that file. */
export function oomKills(text: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Where our groups can stand, by the texts of `/proc/self/mounts` and `/proc/self/cgroup`. */
export function findCgroupHome(mounts: string, own: string): CgroupHome | null {
  const groups = own
    .trim()
    .split("\n")
    .map((line) => line.split(":"))
    .map(([, names = "", ...path]) => ({ names: names.split(","), path: path.join(":") }));
  const points = mounts
    .trim()
    .split("\n")
    .map((line) => line.split(" "))
    .map(([, folder = "", type = "", options = ""]) => ({ folder: folder.replaceAll("\\040", " "), type, options: options.split(",") }));
  const folders: Partial<Record<Controller, readonly string[]>> = {};
  const foldersOf = (controller: string): readonly string[] => {
    const mount = points.find((point) => point.type === "cgroup" && point.options.includes(controller));
    const group = groups.find((candidate) => candidate.names.includes(controller));
    return mount === undefined ? [] : [...new Set([joined(mount.folder, group?.path ?? "/"), mount.folder])];
  };
  for (const controller of controllers) {
    const found = foldersOf(controller);
    if (found.length > 0) folders[controller] = found;
  }
  const unified = points.find((point) => point.type === "cgroup2")?.folder;
  const ownUnified = groups.find((candidate) => candidate.names.join() === "")?.path ?? "/";
  const freezer = unified === undefined ? [] : [...new Set([joined(unified, ownUnified), unified])];
  if (Object.keys(folders).length > 0) return { version: 1, folders, freezer, accounting: foldersOf("cpuacct") };
  // Version 2 lets no group have both processes and limited groups below it, but for the topmost: ours stand there.
  return unified === undefined ? null : { version: 2, folders: { memory: [unified], cpu: [unified], pids: [unified] }, freezer: [unified], accounting: [] };
}

function joined(folder: string, path: string): string {
  return path === "/" ? folder : `${folder}${path}`;
}
