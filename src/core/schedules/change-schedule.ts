import type * as api from "#contract/api/schedules.ts";
import type { TaskBody } from "#contract/api/tasks.ts";
import type { BodyOf } from "#contract/endpoint.ts";
import { Failure } from "#contract/failure.ts";
import type { Clock } from "#kit/clock.ts";
import type { Seal } from "#kit/seal.ts";
import type { Actor } from "../accounts/user.ts";
import type { ActorSite } from "../sites/site.ts";
import type { SiteStore } from "../sites/site-store.ts";
import type { TaskStore } from "../tasks/task-store.ts";
import { parseCron } from "./cron.ts";
import type { PrepareTask } from "./prepare-task.ts";
import { demandRightToRun } from "./right-to-run.ts";
import { changedTask, type KeptTask, keepTask, openTask } from "./schedule-environment.ts";
import type { ActorSchedule, ScheduleChanges, ScheduleStore } from "./schedule-store.ts";

/** What making and changing schedules needs. */
export interface ScheduleDeps {
  readonly schedules: ScheduleStore;
  readonly sites: Pick<SiteStore, "forActor">;
  readonly tasks: Pick<TaskStore, "create">;
  readonly prepare: PrepareTask;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly maxWaiting: number;
}

/** The most schedules of one site, and of the home folder. */
export const mostSchedules = 200;

/**
 * Makes a schedule that runs on behalf of this person.
 * @throws {Failure} `site_not_found`, `administrators_only`, `cron_invalid`, `time_zone_unknown`, `schedule_limit_reached`, what preparing a task throws.
 */
export async function createSchedule(deps: ScheduleDeps, actor: Actor, body: BodyOf<typeof api.createSchedule>): Promise<ActorSchedule> {
  const { task, ...words } = body;
  const nextAt = firstMoment(deps, body);
  const site = await demandPlace(deps, actor, task);
  const kept = await demandTask(deps, actor, { site, task });
  const schedule = { ...words, ...kept, id: deps.newId(), siteId: site?.id ?? null, createdById: actor.user.id, nextAt: body.isPaused ? null : nextAt };
  return deps.schedules.create(actor, schedule, { most: mostSchedules });
}

/**
 * Changes a schedule. Whoever gives it another task, or lets it run again, is the one on whose behalf it runs from then on.
 * @throws {Failure} as making one does; `schedule_not_found` when it is gone.
 */
export async function updateSchedule(
  deps: ScheduleDeps,
  actor: Actor,
  request: { readonly schedule: ActorSchedule; readonly changes: BodyOf<typeof api.updateSchedule> },
): Promise<ActorSchedule> {
  const { schedule, changes } = request;
  const { task, ...words } = withoutAbsent(changes);
  const isPaused = changes.isPaused ?? schedule.isPaused;
  const resumes = schedule.isPaused && !isPaused;
  const isReplanned = changes.cron !== undefined || changes.timeZone !== undefined;
  const nextAt = resumes || isReplanned ? firstMoment(deps, { cron: changes.cron ?? schedule.cron, timeZone: changes.timeZone ?? schedule.timeZone }) : null;
  const taken = task === undefined ? {} : await changeTask(deps, actor, { schedule, task });
  return deps.schedules.update(actor, schedule, {
    ...words,
    ...taken,
    ...(isPaused ? { nextAt: null } : nextAt === null ? {} : { nextAt }),
    ...(resumes || task !== undefined ? { createdById: actor.user.id, problem: null } : {}),
  });
}

/** Queues the schedule's task now, for the person who asks; the plan stays as it is. @throws {Failure} `task_limit_reached`, what preparing a task throws. */
export async function runSchedule(deps: ScheduleDeps, actor: Actor, schedule: ActorSchedule): Promise<string> {
  const prepared = await deps.prepare(actor, schedule.actorSite, openTask(deps.seal, schedule));
  const { task } = await deps.tasks.create({ ...prepared, scheduleId: schedule.id, createdById: actor.user.id }, { maxWaiting: deps.maxWaiting });
  return task.uid;
}

async function changeTask(deps: ScheduleDeps, actor: Actor, request: { readonly schedule: ActorSchedule; readonly task: TaskBody }): Promise<ScheduleChanges> {
  const { schedule } = request;
  const task = changedTask(deps.seal, schedule, request.task);
  // Left out it stays where it is: nobody moves a schedule to the home folder by not saying where.
  const site = task.site === undefined ? schedule.actorSite : await demandPlace(deps, actor, task);
  const kept = await demandTask(deps, actor, { site, task });
  return { ...kept, siteId: site?.id ?? null };
}

async function demandPlace(deps: ScheduleDeps, actor: Actor, task: TaskBody): Promise<ActorSite | null> {
  const site = task.site === undefined ? null : await deps.sites.forActor(actor, task.site);
  if (task.site !== undefined && site === null) throw new Failure("site_not_found");
  demandRightToRun(actor, site);
  return site;
}

/** Prepares a task that nobody queues: what is wrong is said now, and not at night. */
async function demandTask(deps: ScheduleDeps, actor: Actor, request: { readonly site: ActorSite | null; readonly task: TaskBody }): Promise<KeptTask> {
  // A moment of its own would stand against the plan.
  const { runAt: _, ...task } = request.task;
  await deps.prepare(actor, request.site, task);
  return keepTask(deps.seal, task);
}

function firstMoment(deps: ScheduleDeps, plan: { readonly cron: string; readonly timeZone: string }): Date {
  const next = parseCron(plan.cron, plan.timeZone).after(new Date(deps.clock.now()));
  if (next === null) throw new Failure("cron_invalid", { reason: "no day will ever be such a moment" });
  return next;
}

/** Only keys of T whose values are there are left. */
function withoutAbsent<T extends object>(changes: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}
