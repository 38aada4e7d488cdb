import type { RunEnd } from "#contract/task.ts";
import type { Task } from "./task.ts";

/** Upper bounds of waits, in seconds, as Prometheus' histograms have them. */
export const waitBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600] as const;

/** What a worker counts of its tasks since it began. */
export class TaskMeter {
  claimed = 0;
  /** Attempts that ended, by how. */
  readonly ended = new Map<RunEnd, number>();
  /** How many waited no longer than each of `waitBounds`; those that waited longer are in `claimed` only. */
  readonly waits = waitBounds.map(() => 0);
  waitSeconds = 0;

  /** A task was claimed at this moment, by this worker's clock. */
  noteClaim({ runAt }: Pick<Task, "runAt">, now: number): void {
    this.claimed += 1;
    // Another machine's clock may be ahead: nobody waits less than not at all.
    const seconds = Math.max((now - runAt.getTime()) / 1000, 0);
    this.waitSeconds += seconds;
    for (const [at, bound] of waitBounds.entries()) if (seconds <= bound) this.waits[at] = (this.waits[at] ?? 0) + 1;
  }

  /** An attempt ended, and that was written down. */
  noteEnd(end: RunEnd): void {
    this.ended.set(end, (this.ended.get(end) ?? 0) + 1);
  }
}
