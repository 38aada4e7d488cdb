import type { CronMoments } from "./cron.ts";
import type { CatchUpPolicy } from "./schedule.ts";

/** The most runs that one downtime is made up for; older ones are left out. */
export const mostRunsAtOnce = 100;
/** A run that is late by no more than this is not late: workers take turns, restart, wait for a database. */
export const graceMs = 60_000;

/** Which runs are due, and what comes after them. */
export interface RunPlan {
  /** Oldest first. */
  readonly moments: readonly Date[];
  /** Null when the expression has no moment left. */
  readonly nextAt: Date | null;
}

/** Decides what to run of the moments from `dueAt` to now. Whatever it leaves out has passed for good. */
export function planRuns(moments: CronMoments, due: { readonly dueAt: Date; readonly now: Date; readonly catchUp: CatchUpPolicy }): RunPlan {
  const { dueAt, now, catchUp } = due;
  // After a clock that was set back nothing that ran already is due again: the schedule waits for the moment that it was to wait for.
  if (dueAt > now) return { moments: [], nextAt: dueAt };
  const past = moments.upTo(now, catchUp === "all" ? mostRunsAtOnce : 1).filter((moment) => moment >= dueAt);
  const isMissed = (moment: Date): boolean => now.getTime() - moment.getTime() > graceMs;
  return { moments: catchUp === "none" ? past.filter((moment) => !isMissed(moment)) : past, nextAt: moments.after(now) };
}
