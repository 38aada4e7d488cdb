import { isDeepStrictEqual } from "node:util";
import type * as api from "#contract/api/schedules.ts";
import type { TaskBody } from "#contract/api/tasks.ts";
import type { BodyOf } from "#contract/endpoint.ts";
import { Failure } from "#contract/failure.ts";
import type { Clock } from "#kit/clock.ts";
import type { Seal } from "#kit/seal.ts";
import type { Actor } from "../accounts/user.ts";
import type { PlanTask } from "../tasks/plan-task.ts";
import type { TaskStore } from "../tasks/task-store.ts";
import { parseCron } from "./cron.ts";
import { changedTask, type KeptTask, keepTask, keptNames, openTask } from "./schedule-environment.ts";
import type { ActorSchedule, ScheduleStore } from "./schedule-store.ts";

/** What making and changing schedules needs. */
export interface ScheduleDeps {
  readonly schedules: ScheduleStore;
  readonly tasks: Pick<TaskStore, "create">;
  readonly plan: PlanTask;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly maxWaiting: number;
}

/** The most schedules of one site, and of the home folder. */
export const mostSchedules = 200;
/** Each of them lost to somebody else's change in between. */
const mostTries = 10;

/**
 * Makes a schedule that runs on behalf of this person.
 * @throws {Failure} `site_not_found`, `administrators_only`, `cron_invalid`, `time_zone_unknown`, `schedule_limit_reached`, what preparing a task throws.
 */
export async function createSchedule(deps: ScheduleDeps, actor: Actor, body: BodyOf<typeof api.createSchedule>): Promise<ActorSchedule> {
  const { task, ...words } = body;
  const nextAt = firstMoment(deps, body);
  const taken = await takeTask(deps, actor, task);
  const schedule = { ...words, ...taken, id: deps.newId(), createdById: actor.user.id, nextAt: body.isPaused ? null : nextAt };
  return deps.schedules.create(actor, schedule, { most: mostSchedules });
}

/**
 * Changes a schedule. Whoever decides what runs or when, or lets it run again, is the one on whose behalf it runs from then on; another's
 * values do not go with it. What is sent back as it was shown is no change.
 * @throws {Failure} as making one does; `schedule_not_found` when it is gone, `schedule_values_foreign`.
 */
export async function updateSchedule(
  deps: ScheduleDeps,
  actor: Actor,
  request: { readonly schedule: ActorSchedule; readonly changes: BodyOf<typeof api.updateSchedule> },
): Promise<ActorSchedule> {
  let { schedule } = request;
  for (let tries = 0; tries < mostTries; tries += 1) {
    const changed = await tryUpdate(deps, actor, { ...request, schedule });
    if (changed !== null) return changed;
    // Somebody else was faster: what this change means is decided anew, by what they made of it.
    schedule = (await deps.schedules.forActor(actor, schedule.id)) ?? missing();
  }
  throw new Error(`schedule ${schedule.id} was changed by others ${mostTries} times while it was to be changed once`);
}

function missing(): never {
  throw new Failure("schedule_not_found");
}

async function tryUpdate(
  deps: ScheduleDeps,
  actor: Actor,
  request: { readonly schedule: ActorSchedule; readonly changes: BodyOf<typeof api.updateSchedule> },
): Promise<ActorSchedule | null> {
  const { schedule } = request;
  const changes = realChanges(schedule, withoutAbsent(request.changes));
  const { task, ...words } = changes;
  const isPaused = changes.isPaused ?? schedule.isPaused;
  const resumes = schedule.isPaused && !isPaused;
  const isReplanned = changes.cron !== undefined || changes.timeZone !== undefined;
  const nextAt = resumes || isReplanned ? firstMoment(deps, { cron: changes.cron ?? schedule.cron, timeZone: changes.timeZone ?? schedule.timeZone }) : null;
  // Also for the plan alone: a member must not make an administrator's task run every minute with that one's rights.
  const becomesTheirs = resumes || task !== undefined || isReplanned || changes.overlap !== undefined || changes.catchUp !== undefined;
  if (becomesTheirs) demandValues(actor, schedule, task);
  const taken = task === undefined ? {} : await changeTask(deps, actor, { schedule, task });
  const updated = {
    ...words,
    ...taken,
    ...(isPaused ? { nextAt: null } : nextAt === null ? {} : { nextAt }),
    ...(becomesTheirs ? { createdById: actor.user.id } : {}),
    ...(resumes || task !== undefined ? { problem: null } : {}),
  };
  return deps.schedules.update(actor, schedule, { changes: updated, most: mostSchedules });
}

/**
 * Queues the schedule's task now, for the person who asks; the plan stays as it is.
 * @throws {Failure} `schedule_values_foreign`, `task_limit_reached`, what preparing a task throws.
 */
export async function runSchedule(deps: ScheduleDeps, actor: Actor, schedule: ActorSchedule): Promise<string> {
  demandValues(actor, schedule, undefined);
  const { task: planned } = await deps.plan(actor, { body: openTask(deps.seal, schedule), idempotencyKey: null });
  const { task } = await deps.tasks.create({ ...planned, scheduleId: schedule.id }, { maxWaiting: deps.maxWaiting });
  return task.uid;
}

/** Another's secrets are nobody's to hand to a script, or to take along. Without them it would do something else than was planned. */
function demandValues(actor: Actor, schedule: ActorSchedule, task: TaskBody | undefined): void {
  if (actor.user.role === "administrator" || schedule.createdBy?.id === actor.user.id) return;
  const names = keptNames(schedule, task);
  if (names.length === 0) return;
  throw new Failure("schedule_values_foreign", { names: names.join(", "), username: schedule.createdBy?.username ?? "somebody who is gone" });
}

type Changes = ReturnType<typeof withoutAbsent<BodyOf<typeof api.updateSchedule>>>;

/** Forms send back everything, also what nobody touched. */
function realChanges(schedule: ActorSchedule, changes: Changes): Changes {
  const shown: Readonly<Record<string, unknown>> = { ...schedule };
  return Object.fromEntries(Object.entries(changes).filter(([name, value]) => !isDeepStrictEqual(value, shown[name]))) as Changes;
}

async function changeTask(deps: ScheduleDeps, actor: Actor, request: { readonly schedule: ActorSchedule; readonly task: TaskBody }): Promise<TakenTask> {
  const { schedule } = request;
  const task = changedTask(deps.seal, schedule, request.task);
  // Left out it stays where it is: nobody moves a schedule to the home folder by not saying where.
  return takeTask(deps, actor, schedule.site === null || task.site !== undefined ? task : { ...task, site: schedule.site.name });
}

type TakenTask = KeptTask & { readonly siteId: number | null };

/** Plans a task that nobody queues: what is wrong is said now, and not at night. */
async function takeTask(deps: ScheduleDeps, actor: Actor, given: TaskBody): Promise<TakenTask> {
  // A moment of its own would stand against the plan.
  const { runAt: _, ...body } = given;
  const { site } = await deps.plan(actor, { body, idempotencyKey: null });
  return { ...keepTask(deps.seal, body), siteId: site?.id ?? null };
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
