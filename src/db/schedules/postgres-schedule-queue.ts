import { sql } from "kysely";
import type { AuditEntry } from "#core/audit/audit-store.ts";
import { judgeOverlap } from "#core/schedules/overlap.ts";
import type { ClaimedSchedule, Firing, ScheduleQueue } from "#core/schedules/schedule-queue.ts";
import { userColumns, userOf } from "../accounts/user-rows.ts";
import { cleanJson, cleanText } from "../clean-text.ts";
import type { Database } from "../database.ts";
import type { Change } from "../notifications.ts";
import { cancelTasks, insertTask } from "../tasks/task-changes.ts";
import { roomFor } from "../tasks/waiting-room.ts";
import { scheduleOf, selectSchedules } from "./schedule-rows.ts";

const claimableAt = sql<Date>`greatest(next_at, coalesce(lease_until, next_at))`;

/** Due schedules, in PostgreSQL. Times are the server's, so that the clocks of several workers need not agree. */
export class PostgresScheduleQueue implements ScheduleQueue {
  readonly #db: Database;
  readonly #options: { readonly usesBroker: boolean };

  constructor(db: Database, options: { readonly usesBroker: boolean }) {
    this.#db = db;
    this.#options = options;
  }

  async claim(request: { readonly leaseMs: number; readonly limit: number }): Promise<readonly ClaimedSchedule[]> {
    return this.#db.transaction().execute(async (change) => {
      // A row that another claimer holds is skipped; one that it changed after this statement began is judged anew.
      const due = await change
        .selectFrom("schedules")
        .select("id")
        .where("isPaused", "=", false)
        .where("nextAt", "is not", null)
        .where(sql<boolean>`${claimableAt} <= clock_timestamp()`)
        .orderBy("nextAt")
        .limit(request.limit)
        .forUpdate()
        .skipLocked()
        .execute();
      if (due.length === 0) return [];
      const ids = due.map((row) => row.id);
      await change
        .updateTable("schedules")
        .set({ leaseUntil: after(request.leaseMs), fence: sql<number>`fence + 1` })
        .where("id", "in", ids)
        .execute();
      const rows = await selectSchedules(change)
        .select(["schedules.fence", sql<Date>`clock_timestamp()`.as("now")])
        .where("schedules.id", "in", ids)
        .orderBy("schedules.nextAt")
        .execute();
      const owners = rows.flatMap(({ createdById }) => (createdById === null ? [] : [createdById]));
      const users = owners.length === 0 ? [] : await change.selectFrom("users").select(userColumns).where("id", "in", owners).execute();
      return rows.flatMap((row) => {
        const behalf = users.find(({ id }) => id === row.createdById);
        const claim = { ...scheduleOf(row), fence: row.fence, now: row.now, behalf: behalf === undefined ? null : userOf(behalf) };
        return row.nextAt === null ? [] : [{ ...claim, dueAt: row.nextAt }];
      });
    });
  }

  async fire(claim: ClaimedSchedule, firing: Firing, limits: { readonly maxWaiting: number }): Promise<{ readonly created: readonly string[] } | null> {
    return this.#db.transaction().execute(async (change) => {
      if (!(await isHeld(change, claim))) return null;
      const created = await this.#createTasks(change, claim, { ...limits, tasks: firing.tasks });
      await change
        .updateTable("schedules")
        .set({ nextAt: firing.nextAt, leaseUntil: null, problem: firing.problem === null ? null : cleanText(firing.problem) })
        .where("id", "=", claim.id)
        .execute();
      return { created };
    });
  }

  async pause(claim: ClaimedSchedule, problem: string, entry: AuditEntry): Promise<boolean> {
    return this.#db.transaction().execute(async (change) => {
      if (!(await isHeld(change, claim))) return false;
      await change
        .updateTable("schedules")
        .set({ isPaused: true, nextAt: null, leaseUntil: null, problem: cleanText(problem) })
        .where("id", "=", claim.id)
        .execute();
      await change
        .insertInto("auditEntries")
        .values({ ...entry, details: cleanJson(entry.details) })
        .execute();
      return true;
    });
  }

  async release(claim: ClaimedSchedule, request: { readonly afterMs: number; readonly problem: string | null }): Promise<boolean> {
    return this.#db.transaction().execute(async (change) => {
      if (!(await isHeld(change, claim))) return false;
      await change
        .updateTable("schedules")
        .set({ leaseUntil: after(request.afterMs), problem: request.problem === null ? null : cleanText(request.problem) })
        .where("id", "=", claim.id)
        .execute();
      return true;
    });
  }

  async nextDueMs(): Promise<number | null> {
    const { ms } = await this.#db
      .selectFrom("schedules")
      .select(sql<number | null>`(extract(epoch from min(${claimableAt}) - clock_timestamp()) * 1000)::double precision`.as("ms"))
      .where("isPaused", "=", false)
      .where("nextAt", "is not", null)
      .executeTakeFirstOrThrow();
    return ms === null ? null : Math.max(Math.ceil(ms), 0);
  }

  /** The schedule's row is locked: none of its tasks is created meanwhile by another scheduler. */
  async #createTasks(
    change: Change,
    claim: ClaimedSchedule,
    firing: { readonly tasks: Firing["tasks"]; readonly maxWaiting: number },
  ): Promise<readonly string[]> {
    const uids = firing.tasks.map(({ uid }) => uid);
    // A moment can come again only when a clock was set back, and somebody changed the schedule since.
    const known = uids.length === 0 ? [] : await change.selectFrom("tasks").select("uid").where("uid", "in", uids).execute();
    const tasks = firing.tasks.filter(({ uid }) => !known.some((task) => task.uid === uid));
    if (tasks.length === 0) return [];
    const earlier = await change.selectFrom("tasks").select("id").where("scheduleId", "=", claim.id).where("state", "in", ["queued", "running"]).execute();
    const { creates, cancelsEarlier } = judgeOverlap(claim.overlap, { due: tasks.length, goOn: earlier.length });
    if (cancelsEarlier) {
      const ids = earlier.map(({ id }) => id);
      await cancelTasks(change, ids, "A later run of its schedule took its place.");
    }
    const [newest] = tasks.slice(-1);
    if (creates === 0 || newest === undefined) return [];
    // What is late by a hundred runs must not wait until a hundred fit at once, which may be never: the newest that fit are made up for.
    const room = await roomFor(change, newest, firing.maxWaiting);
    const chosen = tasks.slice(tasks.length - Math.min(creates, room));
    for (const task of chosen) await insertTask(change, task, { maxWaiting: firing.maxWaiting, usesBroker: this.#options.usesBroker });
    return chosen.map(({ uid }) => uid);
  }
}

/** Locks the schedule; false when the claim is not the latest, or a person changed it since. */
async function isHeld(change: Change, claim: ClaimedSchedule): Promise<boolean> {
  const row = await change.selectFrom("schedules").select("id").where("id", "=", claim.id).where("fence", "=", claim.fence).forUpdate().executeTakeFirst();
  return row !== undefined;
}

function after(ms: number) {
  return sql<Date>`clock_timestamp() + make_interval(secs => ${ms / 1000}::double precision)`;
}
