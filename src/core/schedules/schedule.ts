import type { catchUpPolicies, overlapPolicies } from "#contract/api/schedules.ts";
import type { TaskBody } from "#contract/api/tasks.ts";

export type OverlapPolicy = (typeof overlapPolicies)[number];
export type CatchUpPolicy = (typeof catchUpPolicies)[number];

/** A plan that creates the same task again and again. */
export interface Schedule {
  readonly id: string;
  readonly name: string;
  readonly site: { readonly id: number; readonly name: string } | null;
  readonly cron: string;
  readonly timeZone: string;
  readonly overlap: OverlapPolicy;
  readonly catchUp: CatchUpPolicy;
  readonly isPaused: boolean;
  /** Why it paused itself, or why its last moment passed without a task, in plain words. */
  readonly problem: string | null;
  /** With the names of its environment, each without its value: those are sealed beside it. */
  readonly task: TaskBody;
  readonly sealedEnvironment: string | null;
  /** On whose behalf its tasks run: who set last what it runs. Without them, or without their right to the site, it does not run. */
  readonly createdBy: { readonly id: number; readonly username: string } | null;
  readonly createdAt: Date;
  /** Null while it is paused, and when the expression has no moment left. */
  readonly nextAt: Date | null;
  readonly lastRun: { readonly uid: string; readonly at: Date; readonly state: string } | null;
}
