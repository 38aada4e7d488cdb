// What is left of the nodes of a swarm when their engines have ended, or were killed.
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Processes by their groups, as containers are known, or by their command lines, as engines are. */
export function processesWhose(isOurs: (cgroups: string, commandLine: string) => boolean): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return isOurs(readFileSync(`/proc/${pid}/cgroup`, "utf8"), readFileSync(`/proc/${pid}/cmdline`, "utf8"));
      } catch {
        return false; // gone
      }
    })
    .map(Number);
}

/** What version 1 of the kernel's groups has frozen cannot be killed. */
export function thaw(name: string): void {
  const folder = join("/sys/fs/cgroup/freezer", name);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  for (const file of names.map((inner) => join(folder, inner, "freezer.state"))) if (existsSync(file)) writeFileSync(file, "THAWED");
}

export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // gone
  }
}

export async function endProcess(pid: number): Promise<void> {
  kill(pid);
  for (const deadline = performance.now() + 10_000; performance.now() < deadline && isThere(pid); ) await delay(30);
}

function isThere(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false; // gone
  }
}

export function removeGroups(name: string): void {
  // Version 2 has no folder for each controller.
  for (const controller of ["", ...readdirSync("/sys/fs/cgroup")]) {
    const folder = join("/sys/fs/cgroup", controller, name);
    if (!existsSync(folder)) continue;
    try {
      for (const inner of readdirSync(folder, { withFileTypes: true })) if (inner.isDirectory()) rmdirSync(join(folder, inner.name));
      rmdirSync(folder);
    } catch {
      // Something of it dies only now; an empty group is in nobody's way.
    }
  }
}
