import { setTimeout as delay } from "node:timers/promises";
import { freezeTimeoutMs, type TreeFreezer } from "./group-freezer.ts";
import { isHalted, isStill, type ProcessId, signalProcess } from "./process-table.ts";
import type { ProcessTree } from "./process-tree.ts";

/** Where control groups cannot do it: halts every process by a signal that none can refuse. */
export function signalFreezer(tree: Pick<ProcessTree, "members">): TreeFreezer {
  const halted = new Map<string, ProcessId>();
  const thaw = (): void => {
    for (const process of halted.values()) signalProcess(process, "SIGCONT");
    halted.clear();
  };
  return {
    freeze: async () => {
      const deadline = performance.now() + freezeTimeoutMs;
      // What is halted starts nothing more; what it had started just before is found the next time round.
      for (let isQuiet = false; !isQuiet; ) {
        if (performance.now() >= deadline) {
          thaw();
          throw new Error(`not everything stood still within ${freezeTimeoutMs} ms`);
        }
        const members = tree.members();
        const news = members.filter((process) => !halted.has(keyOf(process)));
        for (const process of news) {
          // What somebody has halted in there stays so afterwards.
          if (isHalted(process.pid)) continue;
          if (signalProcess(process, "SIGSTOP")) halted.set(keyOf(process), process);
        }
        isQuiet = news.every((process) => !halted.has(keyOf(process))) && members.every(({ pid }) => isStill(pid));
        if (!isQuiet) await delay(1);
      }
    },
    thaw,
  };
}

function keyOf(process: ProcessId): string {
  return `${process.pid}/${process.startTime}`;
}
