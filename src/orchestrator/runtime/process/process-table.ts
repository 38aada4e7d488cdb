import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { isExhausted, readWithSpare, unlessExhausted } from "./spare-descriptor.ts";

// What /proc says of processes. A number alone names no process for long: with its start time it does.

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since the machine booted. */
  readonly startTime: string;
}

/** Null when there is no such process, or it has ended and only waits to be collected. */
export function identify(pid: number): ProcessId | null {
  return unlessExhausted(
    () => identifyForSure(pid),
    () => null,
  );
}

/** The same; throws where there is no descriptor to look with, which says nothing of the process. */
export function identifyForSure(pid: number): ProcessId | null {
  const fields = fieldsOf(readForSure(`/proc/${pid}/stat`));
  if (fields === null || fields.state === "Z" || fields.state === "X") return null;
  return { pid, startTime: fields.startTime };
}

export function isAlive(process: ProcessId): boolean {
  return identify(process.pid)?.startTime === process.startTime;
}

/** Whether a process moves no more: it was halted, or has gone. */
export function isAtRest(pid: number): boolean {
  const state = statOf(pid)?.state;
  return state === undefined || "TtZX".includes(state);
}

/**
 * Whether a process that was told to halt runs nothing of its own any more: it stands, has gone, or is in a system call that it comes back from
 * only to stand. A parent that waits for what it has just forked is in one for as long as that stands.
 */
export function isStill(pid: number): boolean {
  const state = statOf(pid)?.state;
  return state === undefined || "TtDZX".includes(state);
}

/** Whether a process was halted by a signal. */
export function isHalted(pid: number): boolean {
  return statOf(pid)?.state === "T";
}

/** Sends a signal unless the process is gone or its number belongs to another by now; says whether it was sent. */
export function signalProcess(target: ProcessId, signal: NodeJS.Signals): boolean {
  if (!isAlive(target)) return false;
  try {
    process.kill(target.pid, signal);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}

/** Who started a process, or took it over; null when it is gone. */
export function parentOf(pid: number): number | null {
  return statOf(pid)?.parent ?? null;
}

/** Processes that the given one started and that live. */
export function childrenOf(pid: number): readonly ProcessId[] {
  const pids = hasChildrenFiles() ? threadsOf(pid).flatMap((thread) => wordsOf(readOrNull(`/proc/${pid}/task/${thread}/children`))) : childrenByScan(pid);
  return pids.map((text) => identify(Number(text))).filter((found) => found !== null);
}

// What a thread started is in the thread's own list.
function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // gone
  }
}

function wordsOf(text: string | null): readonly string[] {
  return (text ?? "").split(" ").filter((word) => word !== "");
}

let childrenFiles: boolean | undefined;
function hasChildrenFiles(): boolean {
  childrenFiles ??= readOrNull(`/proc/self/task/${process.pid}/children`) !== null;
  return childrenFiles;
}

// Kernels without CONFIG_PROC_CHILDREN have no list of children.
function childrenByScan(parent: number): readonly string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && statOf(Number(name))?.parent === parent);
}

const shells: ReadonlySet<string> = new Set(["sh", "dash", "bash", "ash", "busybox", "zsh", "ksh"]);

/** Whether a process is a shell, which would die of a signal and leave its child without one. */
export function isShell(pid: number): boolean {
  try {
    return shells.has(basename(readlinkSync(`/proc/${pid}/exe`)));
  } catch {
    return false; // gone
  }
}

/** What processes hold in memory; what they share is counted once for each. */
export function residentBytes(processes: readonly ProcessId[]): number {
  const pages = processes.map(({ pid }) => Number((readOrNull(`/proc/${pid}/statm`) ?? "").split(" ")[1] ?? 0));
  return pages.reduce((sum, count) => sum + count, 0) * pageBytes;
}

// Linux has it for the processors that Node runs on; where pages are larger, the estimate is too small.
const pageBytes = 4096;

/** When this boot of the machine began; a process number from another boot means nothing. */
export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

interface Stat {
  readonly state: string;
  readonly parent: number;
  readonly startTime: string;
}

function statOf(pid: number): Stat | null {
  return fieldsOf(readOrNull(`/proc/${pid}/stat`));
}

function fieldsOf(text: string | null): Stat | null {
  if (text === null) return null;
  // The name in brackets may hold anything, brackets and spaces too: count from the last bracket.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, parent] = fields;
  const startTime = fields[19];
  if (state === undefined || parent === undefined || startTime === undefined) return null;
  return { state, parent: Number(parent), startTime };
}

function readOrNull(path: string): string | null {
  return unlessExhausted(
    () => readForSure(path),
    () => null,
  );
}

function readForSure(path: string): string | null {
  try {
    return readWithSpare(path);
  } catch (error) {
    if (isExhausted(error)) throw error;
    return null; // the process is gone, or the kernel lacks the file
  }
}
