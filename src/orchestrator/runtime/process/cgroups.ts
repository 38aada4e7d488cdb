import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { SiteLimits } from "#contract/site.ts";
import { codeOf } from "#kit/jail/descriptor.ts";
import type { Log } from "#kit/log.ts";
import { type CgroupHome, type Controller, cgroupWrites, controllers, cpuWrite, findCgroupHome, oomFile, oomKills } from "./cgroup-plan.ts";
import { freezeFile, type GroupFreezer, groupFreezer } from "./group-freezer.ts";
import { readWithSpare, withSpare } from "./spare-descriptor.ts";

/** The group of one program. */
export interface SiteCgroup {
  /**
   * Moves a process in; what it starts later is in by itself. The kernel may take 10 ms over it, so it is asked in the
   * background. A process that has ended meanwhile is none to move.
   */
  join(pid: number): Promise<void>;
  /** Sets the limits of one that was prepared without. */
  limit(limits: GroupLimits): void;
  /** Gives it another share of the processor; nothing happens where that is not limited, or when the group has gone. */
  limitCpu(cpu: number): void;
  /** Brings all of it to a halt, or lets it go on; null where groups cannot be frozen, or this one was made without. */
  readonly freezer: GroupFreezer | null;
  /** What it holds, caches of files included; null where memory is not counted. */
  memoryBytes(): number | null;
  /** How many processes the memory limit has ended. */
  oomKills(): number;
  /** Processes that are in entirely. */
  processes(): readonly number[];
  /** Once every process has gone. */
  remove(): Promise<void>;
}

type GroupLimits = Pick<SiteLimits, "memoryBytes" | "cpu" | "pids">;

export interface Cgroups {
  readonly limits: Readonly<Record<Controller, boolean>>;
  /** Whether groups can be frozen. */
  readonly freezes: boolean;
  readonly parents: CgroupParents;
  make(name: string, limits: GroupLimits, options?: GroupOptions): SiteCgroup;
  /** One without limits, until it is given some. */
  prepare(name: string, options?: GroupOptions): SiteCgroup;
  close(): Promise<void>;
}

/** Every hierarchy that a process is moved in takes the kernel up to 10 ms, so only what will be frozen is in one for that. */
export interface GroupOptions {
  readonly isFreezable: boolean;
}

/** The parents of this installation's groups; none where the machine lets us make no groups. */
export interface CgroupParents {
  readonly version: 1 | 2;
  readonly folders: Partial<Readonly<Record<Controller, string>>>;
  /** Where version 1 counts the processor's time, when that is not where it limits it. */
  readonly accounting: string | null;
  /** Where version 2's groups are, which can be frozen; they are those of `folders` where all is version 2. */
  readonly freezer: string | null;
}

/** Makes one parent per controller; a controller in which that fails is left out. */
export function makeCgroupParents(installation: string, log: Log): CgroupParents | null {
  const home = findCgroupHome(readFileSync("/proc/self/mounts", "utf8"), readFileSync("/proc/self/cgroup", "utf8"));
  if (home === null) return null;
  const folders: Partial<Record<Controller, string>> = {};
  for (const controller of controllers) {
    const folder = makeParent(home, controller, { installation, log });
    if (folder !== null) folders[controller] = folder;
  }
  return Object.keys(folders).length === 0
    ? null
    : { version: home.version, folders, accounting: makeAside(home.accounting, installation), freezer: makeAside(home.freezer, installation) };
}

function makeParent(home: CgroupHome, controller: Controller, context: { readonly installation: string; readonly log: Log }): string | null {
  const found = home.folders[controller]?.find((folder) => existsSync(folder));
  if (found === undefined) return null;
  try {
    const folder = join(found, `backlot-${context.installation}`);
    if (home.version === 2) writeFileSync(join(found, "cgroup.subtree_control"), `+${controller}`);
    mkdirSync(folder, { recursive: true });
    if (home.version === 2) writeFileSync(join(folder, "cgroup.subtree_control"), `+${controller}`);
    return folder;
  } catch (error) {
    context.log.debug({ err: error, controller }, "cgroup controller not usable");
    return null;
  }
}

// Only for what is measured or can be done without: no limit depends on it.
function makeAside(places: readonly string[], installation: string): string | null {
  const found = places.find((folder) => existsSync(folder));
  if (found === undefined) return null;
  try {
    mkdirSync(join(found, `backlot-${installation}`), { recursive: true });
    return join(found, `backlot-${installation}`);
  } catch {
    return null;
  }
}

/** Every folder that an installation has. */
export function parentFolders(parents: CgroupParents): readonly string[] {
  return [...new Set([...Object.values(parents.folders), parents.accounting, parents.freezer])].filter((folder) => folder !== null);
}

export function openCgroups(parents: CgroupParents): Cgroups {
  const folders = parentFolders(parents);
  return {
    limits: { memory: parents.folders.memory !== undefined, cpu: parents.folders.cpu !== undefined, pids: parents.folders.pids !== undefined },
    freezes: parents.freezer !== null && canFreeze(parents.freezer),
    parents,
    make: (name, limits, options) => {
      const group = makeGroup(parents, name, options);
      group.limit(limits);
      return group;
    },
    prepare: (name, options) => makeGroup(parents, name, options),
    close: async () => {
      for (const folder of folders) await removeFolder(folder);
    },
  };
}

function makeGroup(parents: CgroupParents, name: string, options: GroupOptions = { isFreezable: false }): SiteCgroup {
  const { version } = parents;
  const folderOf = (controller: Controller): string | null => {
    const parent = parents.folders[controller];
    return parent === undefined ? null : join(parent, name);
  };
  const frozen = options.isFreezable && parents.freezer !== null ? join(parents.freezer, name) : null;
  const folders = [...new Set([...controllers.map(folderOf), frozen])].filter((folder) => folder !== null);
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  const memory = folderOf("memory");
  return {
    join: async (pid) => {
      for (const folder of folders) await writeFile(join(folder, "cgroup.procs"), String(pid)).catch(unlessGone);
    },
    limit: (limits) => {
      for (const write of cgroupWrites(version, limits)) {
        const folder = folderOf(write.controller);
        if (folder === null || (write.isOptional && !existsSync(join(folder, write.file)))) continue;
        writeFileSync(join(folder, write.file), write.value);
      }
    },
    limitCpu: (cpu) => {
      const folder = folderOf("cpu");
      const write = cpuWrite(version, cpu);
      if (folder !== null && existsSync(folder)) writeFileSync(join(folder, write.file), write.value);
    },
    freezer: frozen === null || !canFreeze(frozen) ? null : groupFreezer(frozen),
    memoryBytes: () => (memory === null ? null : numberIn(join(memory, version === 2 ? "memory.current" : "memory.usage_in_bytes"))),
    oomKills: () => {
      const file = memory === null ? null : join(memory, oomFile(version));
      // Somebody may have removed the group; that is no reason not to tell how the program ended.
      return file === null ? 0 : oomKills(textIn(file) ?? "");
    },
    // One that is being moved may be in some of them already.
    processes: () => {
      const [first = [], ...others] = folders.map((folder) => cgroupProcesses(folder));
      return first.filter((pid) => others.every((pids) => pids.includes(pid)));
    },
    remove: async () => {
      for (const folder of folders) await removeFolder(folder);
    },
  };
}

// Kernels before 5.2 have version 2 without it.
function canFreeze(folder: string): boolean {
  return existsSync(join(folder, freezeFile));
}

function numberIn(file: string): number | null {
  const text = textIn(file);
  return text === null ? null : Number(text);
}

function textIn(file: string): string | null {
  try {
    return readWithSpare(file);
  } catch {
    return null; // the group has gone
  }
}

function unlessGone(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
}

/** Processes in a group and the groups in it. */
export function cgroupProcesses(folder: string): readonly number[] {
  const own = ownProcesses(folder);
  return own === null ? [] : [...own, ...childGroups(folder).flatMap((child) => cgroupProcesses(child))];
}

function ownProcesses(folder: string): readonly number[] | null {
  const text = unlessRemoved(() => readWithSpare(join(folder, "cgroup.procs")));
  return text === null ? null : (text.match(/\d+/g) ?? []).map(Number);
}

// A group may go at any moment, also while it is read.
function unlessRemoved<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    if (["ENOENT", "ENODEV"].includes(codeOf(error))) return null;
    throw error;
  }
}

export function childGroups(folder: string): readonly string[] {
  return (unlessRemoved(() => withSpare(() => readdirSync(folder))) ?? [])
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true);
}

/** Removes a group without processes and the groups in it. */
export async function removeFolder(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  for (const child of childGroups(folder)) await removeFolder(child);
  // A process that was just collected still counts for a moment.
  for (let attempt = 0; attempt < 200; attempt += 1) {
    try {
      rmdirSync(folder);
      return;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "ENOENT") return;
      if (code !== "EBUSY") throw error;
      await delay(5);
    }
  }
}
