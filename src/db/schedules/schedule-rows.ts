import { type Selectable, type SelectExpression, sql } from "kysely";
import type { TaskState } from "#contract/task.ts";
import type { Schedule } from "#core/schedules/schedule.ts";
import type { Database } from "../database.ts";
import type { Change } from "../notifications.ts";
import type { Tables } from "../tables.ts";

/** The columns of a schedule's own. */
export const scheduleColumns = [
  "schedules.id",
  "schedules.name",
  "schedules.siteId",
  "schedules.cron",
  "schedules.timeZone",
  "schedules.overlap",
  "schedules.catchUp",
  "schedules.isPaused",
  "schedules.problem",
  "schedules.task",
  "schedules.sealedEnvironment",
  "schedules.createdById",
  "schedules.createdAt",
  "schedules.nextAt",
] as const satisfies readonly SelectExpression<Tables, "schedules">[];

/** The newest task that it created, as JSON; its time is a text. */
interface LastRunJson {
  readonly uid: string;
  readonly at: string;
  readonly state: TaskState;
}

type ScheduleRow = Pick<Selectable<Tables["schedules"]>, "siteId" | "createdById" | Exclude<keyof Schedule, "site" | "createdBy" | "lastRun">> & {
  readonly siteName: string | null;
  readonly createdBy: string | null;
  readonly lastRun: LastRunJson | null;
};

/** Schedules with what is told of them from other tables, read in one statement. */
export function selectSchedules(db: Database | Change) {
  return db
    .selectFrom("schedules")
    .leftJoin("sites", "sites.id", "schedules.siteId")
    .leftJoin("users", "users.id", "schedules.createdById")
    .select(scheduleColumns)
    .select(["sites.name as siteName", "users.username as createdBy"])
    .select(
      sql<LastRunJson | null>`(select json_build_object('uid', uid, 'at', created_at, 'state', state) from tasks
        where tasks.schedule_id = schedules.id order by tasks.id desc limit 1)`.as("lastRun"),
    );
}

/** A schedule out of a row that may hold more. */
export function scheduleOf(row: ScheduleRow): Schedule {
  const { id, name, siteId, siteName, cron, timeZone, overlap, catchUp, isPaused, problem, task, sealedEnvironment } = row;
  const { createdById, createdBy, createdAt, nextAt, lastRun } = row;
  return {
    id,
    name,
    site: siteId === null || siteName === null ? null : { id: siteId, name: siteName },
    cron,
    timeZone,
    overlap,
    catchUp,
    isPaused,
    problem,
    // A site's task runs there whatever the site is called now.
    task: siteName === null ? task : { ...task, site: siteName },
    sealedEnvironment,
    createdBy: createdById === null || createdBy === null ? null : { id: createdById, username: createdBy },
    createdAt,
    nextAt,
    lastRun: lastRun === null ? null : { ...lastRun, at: new Date(lastRun.at) },
  };
}
