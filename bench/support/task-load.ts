import { readFileSync } from "node:fs";
import { quantile } from "./table.ts";

/** When a task was accepted, started and ended, in milliseconds since 1970. */
export interface TaskTimes {
  readonly acceptedMs: number;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** What is sent for a rate: until so many have ended, or for so long; then what is counted, likewise. */
export interface SustainedLoad {
  readonly warmUp: number;
  readonly warmUpMs: number;
  readonly counted: number;
  readonly countedMs: number;
}

/** Milliseconds from accepted to started: median and the 99th of a hundred. */
export function startLatency(times: readonly TaskTimes[]): readonly [string, string] {
  const waits = times.map(({ acceptedMs, startedMs }) => Math.max(startedMs - acceptedMs, 0));
  return [quantile(waits, 0.5).toFixed(1), quantile(waits, 0.99).toFixed(1)];
}

/** Tasks that ended in a second, from the end of the last one of the warm-up to the end of the last one that is counted. */
export function rateAfter(times: readonly TaskTimes[], warmUp: number): string {
  const ends = times.map(({ endedMs }) => endedMs).toSorted((one, other) => one - other);
  const [from = 0, until = 0] = [ends[warmUp - 1], ends.at(-1)];
  return (((ends.length - warmUp) * 1000) / (until - from)).toFixed(0);
}

/** Milliseconds that all processors together have been busy since the machine began: user, nice, system and interrupts. */
export function busyMs(): number {
  const ticks = readFileSync("/proc/stat", "utf8").split("\n", 1)[0]?.trim().split(/\s+/).slice(1).map(Number) ?? [];
  const [user = 0, nice = 0, system = 0, _idle, _waiting, irq = 0, softIrq = 0] = ticks;
  return (user + nice + system + irq + softIrq) * 10;
}
