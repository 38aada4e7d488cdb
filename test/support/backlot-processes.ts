import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A process of the machine, as /proc tells it. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** Arguments, separated by spaces. */
  readonly command: string;
}

/** Every process that is alive (a zombie is not) and passes `wanted`. */
export function processesWhere(wanted: (info: ProcessInfo) => boolean): readonly ProcessInfo[] {
  const found: ProcessInfo[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const info = processInfo(Number(name));
    if (info !== undefined && wanted(info)) found.push(info);
  }
  return found;
}

/**
 * Whether a process belongs to the Backlot with this data folder: the folder's (unique) name stands in its arguments, its environment, or
 * among its mounts, where a program under bubblewrap has its site. It finds orphans too, which no process tree would.
 */
export function belongsTo(pid: number, folderName: string): boolean {
  if (readProc(pid, "cmdline").includes(folderName) || readProc(pid, "environ").includes(folderName)) return true;
  // Only where it sees mounts of its own: whatever somebody mounted below the folder stands in the table of every other process of the machine.
  return mountNamespace(pid) !== mountNamespace("self") && readProc(pid, "mountinfo").includes(folderName);
}

/** Whether a process lives; a zombie does not. */
export function isAlive(pid: number): boolean {
  return processInfo(pid) !== undefined;
}

function mountNamespace(pid: number | "self"): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return "";
  }
}

/** Kills a process that may have ended by itself since it was listed. */
export function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** Bytes of memory that a process holds for itself and its share of what it holds with others (Pss). */
export function memoryOf(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+) kB/m.exec(readProc(pid, "smaps_rollup"))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

function processInfo(pid: number): ProcessInfo | undefined {
  const stat = readProc(pid, "stat");
  // The name in parentheses may hold anything, a closing parenthesis too.
  const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (stat === "" || state === "Z" || state === "X") return undefined;
  return { pid, parent: Number(parent), command: readProc(pid, "cmdline").replaceAll("\0", " ").trim() };
}

// A process that ends between being listed and being read is simply gone.
function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}
