import type { ScheduleView } from "#contract/api/schedules.ts";
import type { NewSchedule, ScheduleChange } from "./data-schedules.ts";
import { changedFields } from "./draft.ts";
import { type RunDraft, type RunRequest, requestOf } from "./run-draft.ts";

export type OverlapPolicy = ScheduleView["overlap"];
export type CatchUpPolicy = ScheduleView["catchUp"];

/** The plan of a schedule, as it stands while somebody fills it in. */
export interface PlanDraft {
  readonly name: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly overlap: OverlapPolicy;
  readonly catchUp: CatchUpPolicy;
}

/** What a new schedule begins with: the reader's own time zone. */
export function emptyPlan(): PlanDraft {
  return { name: "", cron: "30 5 * * *", timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone, overlap: "skip", catchUp: "last" };
}

export function planOf(schedule: ScheduleView): PlanDraft {
  const { name, cron, timeZone, overlap, catchUp } = schedule;
  return { name, cron, timeZone, overlap, catchUp };
}

type Problems = Extract<RunRequest, { kind: "problems" }>["problems"];

/** The request of both halves of the form, or everything that is wrong. */
export function scheduleRequest(
  plan: PlanDraft,
  run: { readonly draft: RunDraft; readonly site: string | null },
): { readonly kind: "body"; readonly body: NewSchedule } | { readonly kind: "problems"; readonly problems: Problems } {
  const task = requestOf(run.draft, run.site);
  const problems: Record<string, string> = task.kind === "problems" ? { ...task.problems } : {};
  if (plan.name.trim() === "") problems.name = "Give it a name.";
  if (plan.cron.trim() === "") problems.cron = "Say when it runs.";
  if (task.kind === "problems" || Object.keys(problems).length > 0) return { kind: "problems", problems };
  return { kind: "body", body: { ...plan, name: plan.name.trim(), cron: plan.cron.trim(), task: task.body } };
}

/**
 * What has to be sent to save a form over a schedule. A field that nobody touched is no wish: sent all the same it would undo what others
 * changed meanwhile, and make the schedule run on behalf of whoever saves.
 */
export function scheduleChange(
  { task, ...plan }: NewSchedule,
  over: { readonly plan: PlanDraft; readonly task: ScheduleView["task"]; readonly isTaskTouched: boolean },
): ScheduleChange {
  const changed: ScheduleChange = changedFields<ScheduleChange>(over.plan, plan);
  if (!over.isTaskTouched) return changed;
  // What the form does not show stays: retries, and variables, whose empty values here stand for those that the server has.
  const { environment, retry } = over.task;
  return { ...changed, task: { ...task, ...(environment === undefined ? {} : { environment }), ...(retry === undefined ? {} : { retry }) } };
}
