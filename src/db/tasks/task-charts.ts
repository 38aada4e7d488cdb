import { sql } from "kysely";
import type { Actor } from "#core/accounts/user.ts";
import type { TaskDay } from "#core/tasks/task-store.ts";
import type { Database } from "../database.ts";
import { isVisibleTo } from "./task-filters.ts";

/** What is counted: days by when tasks were created, in the time zone. */
export interface DaysRequest {
  readonly siteId: number | null;
  readonly since: string;
  readonly until: string;
  readonly timeZone: string;
}

/** Days from `since` to before `until`, each once; a day is as long as it is in its time zone. */
export async function tasksPerDay(db: Database, actor: Actor, request: DaysRequest): Promise<readonly TaskDay[]> {
  const { siteId, since, until, timeZone } = request;
  const ofSite = siteId === null ? sql<boolean>`true` : sql<boolean>`tasks.site_id = ${siteId}`;
  const durationMs = sql`extract(epoch from tasks.finished_at - tasks.started_at) * 1000`;
  // Not `greatest`, which would take a task that never started for one that did not wait.
  const waitMs = sql`case when tasks.started_at > tasks.run_at then extract(epoch from tasks.started_at - tasks.run_at) * 1000
    when tasks.started_at is not null then 0 end`;
  const share = (part: number, of: typeof durationMs) => sql`(percentile_cont(${sql.lit(part)}) within group (order by (${of})::double precision))`;
  const { rows } = await sql<TaskDay>`
    with days as (
      select day::date as day, day::timestamp at time zone ${timeZone} as begins, (day::date + 1)::timestamp at time zone ${timeZone} as ends
      from generate_series(${since}::date::timestamp, ${until}::date::timestamp - interval '1 day', interval '1 day') as day)
    select to_char(days.day, 'YYYY-MM-DD') as date,
      count(tasks.id) as total,
      count(tasks.id) filter (where tasks.state = 'succeeded') as succeeded,
      count(tasks.id) filter (where tasks.state in ('failed', 'timed-out', 'lost', 'rejected')) as failed,
      ${share(0.5, durationMs)} as median_duration_ms,
      ${share(0.95, durationMs)} as p95_duration_ms,
      ${share(0.5, waitMs)} as median_wait_ms,
      ${share(0.95, waitMs)} as p95_wait_ms
    from days left join tasks on tasks.created_at >= days.begins and tasks.created_at < days.ends and ${isVisibleTo(actor)} and ${ofSite}
    group by days.day order by days.day`.execute(db);
  return rows;
}

/** Free space after tasks that ended, as a task's row says it. */
export interface FreeSpace {
  readonly id: number;
  readonly uid: string;
  readonly at: Date;
  readonly freeBytes: number;
}

/** Free space after tasks, oldest first; of more than `limit`, evenly chosen ones with the last among them. */
export async function freeSpaceAfter(db: Database, tasks: ReturnType<typeof sql<boolean>>, limit: number): Promise<readonly FreeSpace[]> {
  const { rows } = await sql<FreeSpace>`
    select id, uid, at, free_bytes from (
      select id, uid, finished_at as at, disk_after_bytes as free_bytes,
        row_number() over (order by finished_at, id) as place, count(*) over () as points
      from tasks where disk_after_bytes is not null and finished_at is not null and ${tasks}
    ) as measured
    where points <= ${limit}::bigint or place * ${limit}::bigint / points <> (place - 1) * ${limit}::bigint / points
    order by place`.execute(db);
  return rows;
}
