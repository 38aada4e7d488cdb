import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { type ListeningSocket, listeningSockets, socketCount, socketInodes } from "./listening-sockets.ts";
import { childrenOf, identifyForSure, isAlive, isShell, type ProcessId, signalProcess } from "./process-table.ts";
import { isExhausted, readWithSpare, unlessExhausted, withSpare } from "./spare-descriptor.ts";

/** All processes of one program. */
export interface ProcessTree {
  /** False as well while nobody can look, for want of a descriptor. */
  isGone(): boolean;
  /** Every process of it that lives, but for the sandbox's own. */
  members(): readonly ProcessId[];
  /** Who has to hear that the program shall end. */
  receivers(): readonly ProcessId[];
  /** Ends all of them at once, without asking. */
  kill(): void;
  listening(): readonly ListeningSocket[];
  /** Changes when `listening` may have changed; always the same where that cannot be told cheaply. */
  socketCount(): string;
}

/** A sandbox: its processes live in a namespace whose first one, once ended, takes all others with it, wherever they hid. */
export function sandboxTree(init: ProcessId): ProcessTree {
  return {
    isGone: () => isNothing(() => [identifyForSure(init.pid)].filter((found) => found?.startTime === init.startTime)),
    members: () => descendantsOf(init.pid),
    receivers: () => childrenOf(init.pid).flatMap(withoutShells),
    kill: () => void signalProcess(init, "SIGKILL"),
    listening: () => listeningSockets(init.pid),
    socketCount: () => socketCount(init.pid),
  };
}

/** A program without a sandbox: what it started inherited its mark in the environment, and its control group where there is one. */
export function markedTree(leader: ProcessId, found: { readonly mark: string; readonly grouped: () => readonly number[] }): ProcessTree {
  const all = (): readonly ProcessId[] => [
    ...(identifyForSure(leader.pid)?.startTime === leader.startTime ? [leader] : []),
    ...markedProcesses(found.mark),
    ...found
      .grouped()
      .map((pid) => identifyForSure(pid))
      .filter((process) => process !== null),
  ];
  // Whoever ends them looks again.
  const living = (): readonly ProcessId[] => unlessExhausted(all, () => [leader]);
  return {
    isGone: () => isNothing(all),
    members: living,
    receivers: () => (isAlive(leader) ? withoutShells(leader) : living()),
    kill: () => {
      // What forks while it is being ended is found the next time round.
      for (let round = 0; round < 20; round += 1) {
        const left = living();
        if (left.length === 0) return;
        for (const process of left) signalProcess(process, "SIGKILL");
      }
    },
    listening: () => {
      const inodes = new Set(living().flatMap((process) => socketInodes(process.pid)));
      return listeningSockets(leader.pid).filter((socket) => inodes.has(socket.inode));
    },
    // The counters are those of the whole machine here.
    socketCount: () => "",
  };
}

function isNothing(look: () => readonly unknown[]): boolean {
  return unlessExhausted(
    () => look().length === 0,
    () => false,
  );
}

// A shell that waits for a program dies of SIGTERM at once and takes the sandbox with it, before the program could end well.
// So the program is told; its shell is told in the next round, when it has nothing to wait for any more.
function withoutShells(process: ProcessId): readonly ProcessId[] {
  const children = isShell(process.pid) ? childrenOf(process.pid) : [];
  return children.length === 0 ? [process] : children.flatMap(withoutShells);
}

function descendantsOf(pid: number): readonly ProcessId[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child.pid)]);
}

/** The variable that marks the processes of a program without a sandbox. */
export const markName = "BACKLOT_INSTANCE";

/** Processes that carry a mark; one that ends with `/` stands for all that begin so. */
export function markedProcesses(mark: string): readonly ProcessId[] {
  const entry = `${markName}=${mark}`;
  const carries = (candidate: string): boolean => (mark.endsWith("/") ? candidate.startsWith(entry) : candidate === entry);
  return withSpare(() => readdirSync("/proc"))
    .filter((name) => /^\d+$/.test(name) && environmentOf(name).some(carries))
    .map((name) => identifyForSure(Number(name)))
    .filter((found) => found !== null);
}

function environmentOf(pid: string): readonly string[] {
  try {
    return readWithSpare(`/proc/${pid}/environ`).split("\0");
  } catch (error) {
    if (isExhausted(error)) throw error;
    return []; // gone, or another user's
  }
}

/** Descriptors of this process that its children would inherit by mistake: left open by whatever started it. */
export function leakedDescriptors(): readonly number[] {
  const closeOnExec = 0o2000000;
  return readdirSync("/proc/self/fd")
    .map(Number)
    .filter((descriptor) => descriptor > 2 && isOpen(descriptor))
    .filter((descriptor) => {
      const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8"))?.[1] ?? "0";
      return (Number.parseInt(flags, 8) & closeOnExec) === 0;
    });
}

function isOpen(descriptor: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`) !== "";
  } catch {
    return false; // the one that listed the folder
  }
}
