import { readdirSync, readFileSync } from "node:fs";

/** How many programs on this machine are `sleep DURATION`: a duration that nobody else sleeps for tells a test's own apart. */
export function programsSleepingFor(duration: string): number {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && commandLine(name) === `sleep\0${duration}\0`).length;
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // gone
  }
}
