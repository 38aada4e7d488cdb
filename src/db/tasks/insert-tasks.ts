import type { AuditEntry } from "#core/audit/audit-store.ts";
import type { NewTask } from "#core/tasks/task.ts";
import { cleanJson } from "../clean-text.ts";
import type { Database } from "../database.ts";
import type { Change } from "../notifications.ts";
import { prepare } from "../prepared.ts";
import { type TaskRow, taskRowColumns } from "./task-rows.ts";

/** A task to be queued, with what is noted of that. */
export interface QueuedTask {
  readonly task: NewTask;
  readonly siteName: string | null;
  readonly note: AuditEntry | null;
}

/** Queues all of these in one statement, in their order, announces them, and puts their notes into the audit trail; gives the rows by uid. */
export async function insertTasks(
  db: Change | Database,
  queued: readonly QueuedTask[],
  options: { readonly usesBroker: boolean },
): Promise<ReadonlyMap<string, TaskRow>> {
  const statement = options.usesBroker ? insertAndSend : insert;
  const rows = await statement(db, [cleanJson(queued.map(rowOf))]);
  return new Map(rows.map((row) => [row.uid, row]));
}

const statementWith = (more: string) =>
  prepare<TaskRow>(`
    with given as (
      select * from json_to_recordset($1::json) as given (
        uid uuid, site_id int, site_name text, priority int, script_concurrency int, created_by_id int, schedule_id uuid, rerun_of uuid,
        sealed_environment text, program json, script text, arguments json, legacy json, environment_names text[], retry json, limits json,
        idempotency_key text, run_at timestamptz, note json)),
    queued as (
      insert into tasks (uid, site_id, site_name, priority, script_concurrency, created_by_id, created_by, schedule_id, schedule_name, rerun_of,
        sealed_environment, program, script, arguments, legacy, environment_names, retry, limits, idempotency_key, run_at)
      select uid, site_id, site_name, priority, script_concurrency, created_by_id, (select username from users where users.id = given.created_by_id),
        schedule_id, (select name from schedules where schedules.id = given.schedule_id), rerun_of, sealed_environment, program, script, arguments,
        legacy, environment_names, retry, limits, idempotency_key, coalesce(run_at, clock_timestamp())
      from given
      returning ${taskRowColumns}),
    noted as (
      insert into audit_entries (actor_id, actor_name, door, address, action, site_id, site_name, details)
      select note.* from given cross join lateral json_to_record(given.note) as note (
        actor_id int, actor_name text, door text, address text, action text, site_id int, site_name text, details jsonb)
      where given.note is not null)
    ${more}
    -- As announcing work does, without another trip to the server. Nobody can follow one of these yet.
    select *, pg_notify('tasks', '') as called from queued`);
const insert = statementWith("");
const insertAndSend = statementWith(", sent as (insert into task_outbox (uid) select uid from queued)");

function rowOf({ task, siteName, note }: QueuedTask) {
  const { uid, siteId, program, priority, scriptConcurrency, createdById, scheduleId, rerunOf, sealedEnvironment } = task;
  return {
    ...{ uid, site_id: siteId, site_name: siteName, priority, script_concurrency: scriptConcurrency, created_by_id: createdById },
    ...{ schedule_id: scheduleId, rerun_of: rerunOf, sealed_environment: sealedEnvironment, program, arguments: task.arguments },
    ...{ script: program.kind === "script" ? program.path : null, legacy: task.legacy, environment_names: task.environmentNames },
    ...{ retry: task.retry, limits: task.limits, idempotency_key: task.idempotencyKey, run_at: task.runAt, note: note === null ? null : noteOf(note) },
  };
}

function noteOf({ actorId, actorName, door, address, action, siteId, siteName, details }: AuditEntry) {
  return { actor_id: actorId, actor_name: actorName, door, address, action, site_id: siteId, site_name: siteName, details };
}
