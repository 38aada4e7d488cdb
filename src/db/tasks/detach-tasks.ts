import { sql } from "kysely";
import type { Database } from "../database.ts";

/** What one statement changes: far within its limit of time on a slow disk, too. */
const mostAtOnce = 2_000;

/**
 * Takes a schedule that is going away from its tasks, some at a time. The rule of the tables does the same in one statement, which takes longer than any may
 * where a schedule has run each second for months. What is left out here, since others are at work with it, is for that rule.
 */
export function detachFromSchedule(db: Database, scheduleId: string): Promise<void> {
  return detachAll(async (after) => {
    const { rows } = await sql<{ id: number }>`
      update tasks set schedule_id = null where id in (
        select id from tasks where schedule_id = ${scheduleId} and id > ${after} order by id limit ${mostAtOnce} for update skip locked)
      returning id`.execute(db);
    return rows;
  });
}

/** The same for a site that is going, and its schedules. */
export async function detachFromSite(db: Database, siteId: number): Promise<void> {
  await detachAll(async (after) => {
    const { rows } = await sql<{ id: number }>`
      update tasks set site_id = null, schedule_id = null where id in (
        select id from tasks where site_id = ${siteId} and id > ${after} order by id limit ${mostAtOnce} for update skip locked)
      returning id`.execute(db);
    return rows;
  });
  const schedules = await db.selectFrom("schedules").select("id").where("siteId", "=", siteId).execute();
  for (const { id } of schedules) await detachFromSchedule(db, id);
}

/** Goes on behind the last one each time: what was changed stands in the index still, and is not walked through again. */
async function detachAll(detach: (after: number) => Promise<readonly { readonly id: number }[]>): Promise<void> {
  let [after, rows] = [0, await detach(0)];
  while (rows.length > 0) {
    after = rows.reduce((most, { id }) => Math.max(most, id), after);
    rows = await detach(after);
  }
}
