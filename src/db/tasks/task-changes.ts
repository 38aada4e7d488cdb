import { createHash } from "node:crypto";
import { sql } from "kysely";
import { Failure } from "#contract/failure.ts";
import type { AuditEntry } from "#core/audit/audit-store.ts";
import type { NewTask, Task } from "#core/tasks/task.ts";
import { cleanText } from "../clean-text.ts";
import type { Database } from "../database.ts";
import type { Change } from "../notifications.ts";
import { insertTasks } from "./insert-tasks.ts";
import { currentSiteName, taskColumns, taskOf } from "./task-rows.ts";
import { countWaiting, demandPersonShare, demandSiteShare, type WaitingRoom } from "./waiting-room.ts";

/** How a task is let in. */
export interface TaskAdmission {
  /** The most that may wait. */
  readonly maxWaiting: number;
  /** Announce it to the broker too. */
  readonly usesBroker: boolean;
  /** Without one those that wait are counted each time. */
  readonly room?: WaitingRoom;
  /** What the audit trail says of it, when it is queued. */
  readonly note?: AuditEntry | undefined;
}

/** How long an idempotency key is remembered. */
export const keyLifetime = sql`interval '24 hours'`;

/**
 * Queues a task as part of a change. With an idempotency key that this person used within a day, the earlier task is given.
 * @throws {Failure} `idempotency_conflict`, `task_limit_reached`, `site_not_found`, `site_being_deleted`, `site_disabled`.
 */
export async function insertTask(
  change: Change | Database,
  task: NewTask,
  admission: TaskAdmission,
): Promise<{ readonly task: Task; readonly isNew: boolean }> {
  const key = task.idempotencyKey === null || task.createdById === null ? null : { userId: task.createdById, key: cleanText(task.idempotencyKey) };
  const requestHash = hashOf(task);
  if (key !== null) {
    const earlier = await taskOfKey(change, key);
    if (earlier !== null && earlier.requestHash !== requestHash) throw new Failure("idempotency_conflict");
    if (earlier !== null) return { task: earlier.task, isNew: false };
  }
  if (admission.room === undefined) await countWaiting(change, admission.maxWaiting);
  else await admission.room.demand(change, admission.maxWaiting);
  if (task.siteId !== null) {
    await demandSiteShare(change, task.siteId, admission.maxWaiting);
    await demandPersonShare(change, task, admission.maxWaiting);
  }
  const siteName = task.siteId === null ? null : await demandSite(change, task.siteId);
  const row = (await insertTasks(change, [{ task, siteName, note: admission.note ?? null }], admission)).get(task.uid);
  if (row === undefined) throw new Error("a task that was queued was not given back");
  if (key !== null) {
    await change
      .insertInto("taskKeys")
      .values({ ...key, taskId: row.id, requestHash })
      .onConflict((conflict) => conflict.columns(["userId", "key"]).doUpdateSet({ taskId: row.id, requestHash, createdAt: sql<Date>`now()` }))
      .execute();
  }
  return { task: taskOf(row), isNew: true };
}

/** Whether a task is queued by one statement, so that several of them can be: nothing is to be looked up, or written besides. */
export function isOneStatement(task: NewTask): boolean {
  return task.idempotencyKey === null && task.siteId === null;
}

/** Ends waiting tasks as cancelled, and marks running ones so that their workers end them, for this reason; those that have ended stay as they are. */
export async function cancelTasks(change: Change, ids: readonly number[], reason: string | null): Promise<void> {
  if (ids.length === 0) return;
  // The worker that holds a task hears of it at once, and at its next heartbeat otherwise.
  await sql`
    with done as (
      update tasks set
        state = case state when 'queued' then 'cancelled' else state end,
        finished_at = case state when 'queued' then clock_timestamp() end,
        reason = coalesce(${reason === null ? null : cleanText(reason)}::text, reason),
        cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp())
      where id = any(${ids}::bigint[]) and state in ('queued', 'running')
      returning uid, state)
    select pg_notify('tasks', uid::text), case when state = 'running' then pg_notify('cancels', uid::text) end from done`.execute(change);
}

async function taskOfKey(change: Change | Database, { userId, key }: { readonly userId: number; readonly key: string }) {
  // Two requests with the same key at the same moment: the second waits, and finds the first one's task.
  await sql`select pg_advisory_xact_lock(hashtextextended(${`task key ${userId} ${key}`}, 0))`.execute(change);
  const row = await change
    .selectFrom("taskKeys")
    .innerJoin("tasks", "tasks.id", "taskKeys.taskId")
    .select(taskColumns)
    .select(["taskKeys.requestHash", currentSiteName.as("currentSiteName")])
    .where("taskKeys.userId", "=", userId)
    .where("taskKeys.key", "=", key)
    .where("taskKeys.createdAt", ">", sql<Date>`now() - ${keyLifetime}`)
    .executeTakeFirst();
  return row === undefined ? null : { task: taskOf(row), requestHash: row.requestHash };
}

async function demandSite(change: Change | Database, id: number): Promise<string> {
  const site = await change.selectFrom("sites").select(["name", "lifecycle", "availability"]).where("id", "=", id).executeTakeFirst();
  if (site === undefined) throw new Failure("site_not_found");
  if (site.lifecycle === "deleting") throw new Failure("site_being_deleted");
  if (site.availability === "disabled") throw new Failure("site_disabled");
  return site.name;
}

/** What makes two requests the same: sealed values differ each time, so the environment counts by its names. */
function hashOf({ program, arguments: given, siteId, environmentNames }: NewTask): string {
  return createHash("sha256")
    .update(JSON.stringify([program, given, siteId, [...environmentNames].sort()]))
    .digest("hex");
}
