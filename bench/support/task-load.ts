import { quantile } from "./table.ts";

/** When a task was accepted, started and ended, in milliseconds since 1970. */
export interface TaskTimes {
  readonly acceptedMs: number;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** Milliseconds from accepted to started: median and the 99th of a hundred. */
export function startLatency(times: readonly TaskTimes[]): readonly [string, string] {
  const waits = times.map(({ acceptedMs, startedMs }) => Math.max(startedMs - acceptedMs, 0));
  return [quantile(waits, 0.5).toFixed(1), quantile(waits, 0.99).toFixed(1)];
}

/** Tasks that ended in a second, from the first one's start to the last one's end: how fast they were sent does not count. */
export function sustained(times: readonly TaskTimes[]): string {
  const from = Math.min(...times.map(({ startedMs }) => startedMs));
  const until = Math.max(...times.map(({ endedMs }) => endedMs));
  return ((times.length * 1000) / (until - from)).toFixed(0);
}
