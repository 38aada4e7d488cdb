import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Brings a whole tree of processes to a halt, and lets it go on. Both are done already where the tree has ended. */
export interface TreeFreezer {
  /** Resolves when everything stands still. @throws when it does not in time; all of it goes on then. */
  freeze(): Promise<void>;
  thaw(): void;
}
export type GroupFreezer = TreeFreezer;

export const freezeFile = "cgroup.freeze";
/** A process in the middle of a system call that cannot be interrupted stands still only after it. */
export const freezeTimeoutMs = 2_000;

/**
 * The freezer of version 2's control groups, which is there beside version 1's controllers, too. Version 1 has one of its own, but what is
 * frozen by it cannot be ended: a platform that is killed would leave every frozen program behind.
 */
export function groupFreezer(folder: string): GroupFreezer {
  const write = (value: "0" | "1"): void => {
    try {
      writeFileSync(join(folder, freezeFile), value, { flag: "r+" });
    } catch (error) {
      // The group has gone, and everything in it.
      const code = error instanceof Error && "code" in error ? error.code : null;
      if (code !== "ENOENT" && code !== "ENODEV") throw error;
    }
  };
  return {
    freeze: async () => {
      write("1");
      const deadline = performance.now() + freezeTimeoutMs;
      while (!isFrozen(folder)) {
        if (performance.now() >= deadline) {
          write("0");
          throw new Error(`not everything stood still within ${freezeTimeoutMs} ms`);
        }
        await delay(1);
      }
    },
    thaw: () => write("0"),
  };
}

function isFrozen(folder: string): boolean {
  try {
    return /^frozen 1$/m.test(readFileSync(join(folder, "cgroup.events"), "utf8"));
  } catch {
    return true; // the group has gone, and everything in it
  }
}
