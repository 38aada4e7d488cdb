import { readlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { childrenOf, isAtRest, isShell, type ProcessId, signalProcess } from "./process-table.ts";
import type { ProcessTree } from "./process-tree.ts";

const lookEveryMs = 20;

/**
 * Asks every process of a tree to end and ends what is left after `graceMs`. A shell that waits for a program would die of SIGTERM at
 * once, and its sandbox with it before the program could end well; one that is told later would go on to its next step. So a shell with
 * children is halted, with the signal already waiting for it, until they have gone.
 */
export async function endTree(tree: Pick<ProcessTree, "members" | "isGone" | "kill">, graceMs: number, exited: Promise<unknown>): Promise<void> {
  const deadline = performance.now() + graceMs;
  const told = new Set<string>();
  const halted = new Map<string, ProcessId>();
  while (performance.now() < deadline && !tree.isGone()) {
    const members = tree.members();
    // Halting comes first: told only after its child, a shell could have taken its next step by then.
    for (const process of members) {
      if (halted.has(keyOf(process)) || told.has(`${keyOf(process)} ${programOf(process)}`) || !isShell(process.pid) || childrenOf(process.pid).length === 0)
        continue;
      if (signalProcess(process, "SIGSTOP")) halted.set(keyOf(process), process);
    }
    await untilAtRest([...halted.values()], deadline);
    for (const process of members) {
      const key = `${keyOf(process)} ${programOf(process)}`;
      if (told.has(key)) continue;
      told.add(key);
      signalProcess(process, "SIGTERM");
    }
    for (const [key, process] of halted) {
      if (childrenOf(process.pid).length > 0) continue;
      halted.delete(key);
      signalProcess(process, "SIGCONT");
    }
    await Promise.race([exited, delay(Math.min(lookEveryMs, Math.max(1, deadline - performance.now())))]);
  }
  if (!tree.isGone()) tree.kill();
}

// Of two signals that wait the kernel delivers SIGTERM before SIGSTOP.
async function untilAtRest(processes: readonly ProcessId[], deadline: number): Promise<void> {
  while (performance.now() < deadline && !processes.every(({ pid }) => isAtRest(pid))) await delay(1);
}

// A shell that has just forked loses a signal that comes before it has become the program: that is told again.
function programOf(process: ProcessId): string {
  try {
    return readlinkSync(`/proc/${process.pid}/exe`);
  } catch {
    return ""; // gone
  }
}

function keyOf(process: ProcessId): string {
  return `${process.pid}/${process.startTime}`;
}
