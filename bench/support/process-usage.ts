import { readFileSync } from "node:fs";

/** What a process has used of the machine. */
export interface ProcessUsage {
  /** Processor time since it began. */
  readonly cpuMicros: number;
  /** Memory that it holds now. */
  readonly residentBytes: number;
}

/** Linux counts processor time in hundredths of a second on every machine that Node runs on. */
const microsPerTick = 10_000;

/** Reads a process' use of the machine from /proc: the process itself has nothing to do for it. */
export function processUsage(pid: number): ProcessUsage {
  // The name in the second field may hold spaces and brackets; the fields after it do not.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return { cpuMicros: (Number(fields[11]) + Number(fields[12])) * microsPerTick, residentBytes: Number(resident) * 1024 };
}
