import * as api from "#contract/api/schedules.ts";
import { usageError } from "../exit-code.ts";
import { needSignIn, type Session } from "../session.ts";
import { type TaskOptions, taskBodyOf } from "../task-options.ts";
import { columnsOf } from "../terminal.ts";

/** Lists schedules with their next run. */
export async function showSchedules(session: Session, options: { readonly site?: string }): Promise<void> {
  needSignIn(session);
  const found: api.ScheduleView[] = [];
  let cursor: string | undefined;
  do {
    const page = await session.client.call(api.listSchedules, { query: { limit: 200, cursor, site: options.site } });
    found.push(...page.schedules);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  const rows = found.map((schedule) => [
    schedule.id,
    schedule.name,
    schedule.site ?? "-",
    `${schedule.cron} ${schedule.timeZone}`,
    schedule.isPaused ? "paused" : (schedule.nextRuns[0] ?? "never"),
    schedule.problem ?? schedule.lastRun?.state ?? "",
  ]);
  const text = rows.length === 0 ? "No schedules.\n" : columnsOf([["ID", "NAME", "SITE", "WHEN", "NEXT", "LAST"], ...rows]);
  await session.answer({ schedules: found }, text);
}

/** What `schedule add` takes besides what runs. */
export interface ScheduleOptions extends TaskOptions {
  readonly timeZone?: string;
  readonly overlap?: string;
  readonly catchUp?: string;
  readonly paused?: boolean;
}

/** Makes a schedule. */
export async function addSchedule(
  session: Session,
  plan: { readonly name: string; readonly cron: string; readonly what: string; readonly args: readonly string[] },
  options: ScheduleOptions,
): Promise<void> {
  needSignIn(session);
  const { name, cron, what, args } = plan;
  const overlap = oneOf(api.overlapPolicies, options.overlap, "--overlap");
  const catchUp = oneOf(api.catchUpPolicies, options.catchUp, "--catch-up");
  const body = {
    name,
    cron,
    task: taskBodyOf(what, args, options),
    isPaused: options.paused === true,
    ...(options.timeZone === undefined ? {} : { timeZone: options.timeZone }),
    ...(overlap === undefined ? {} : { overlap }),
    ...(catchUp === undefined ? {} : { catchUp }),
  };
  const { schedule } = await session.client.call(api.createSchedule, { body });
  session.note(schedule.nextRuns[0] === undefined ? "It does not run by itself." : `It runs next at ${schedule.nextRuns[0]}.`);
  await session.answer({ schedule }, `${schedule.id}\n`);
}

function oneOf<const T extends string>(known: readonly T[], asked: string | undefined, option: string): T | undefined {
  const found = known.find((each) => each === asked);
  if (asked !== undefined && found === undefined) throw usageError(`${option} takes one of ${known.join(", ")}, not ${asked}.`);
  return found;
}

/** Pauses a schedule, or lets it run again. */
export async function pauseSchedule(session: Session, id: string, isPaused: boolean): Promise<void> {
  needSignIn(session);
  const { schedule } = await session.client.call(api.updateSchedule, { params: { id }, body: { isPaused } });
  const text = isPaused ? `${schedule.name} is paused.` : `${schedule.name} runs again: ${schedule.nextRuns[0] ?? "it has no moment left"}.`;
  await session.answer({ schedule }, `${text}\n`);
}

/** Deletes a schedule; its tasks stay. */
export async function removeSchedule(session: Session, id: string): Promise<void> {
  needSignIn(session);
  await session.client.call(api.deleteSchedule, { params: { id } });
  await session.answer({ id }, `Schedule ${id} is deleted; its tasks stay.\n`);
}

/** Queues a schedule's task now, beside the plan. */
export async function runSchedule(session: Session, id: string): Promise<void> {
  needSignIn(session);
  const { uid } = await session.client.call(api.runSchedule, { params: { id } });
  await session.answer({ uid }, `${uid}\n`);
}
