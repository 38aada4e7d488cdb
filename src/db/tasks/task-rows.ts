import { type Selectable, type SelectExpression, sql } from "kysely";
import type { SiteLimits } from "#contract/site.ts";
import type { Task, TaskResult } from "#core/tasks/task.ts";
import type { ClaimedTask } from "#core/tasks/task-queue.ts";
import type { Tables } from "../tables.ts";

/** The columns of a task as people see it. */
export const taskColumns = [
  "tasks.id",
  "tasks.uid",
  "tasks.state",
  "tasks.reason",
  "tasks.siteId",
  "tasks.siteName",
  "tasks.program",
  "tasks.arguments",
  "tasks.legacy",
  "tasks.environmentNames",
  "tasks.priority",
  "tasks.retry",
  "tasks.limits",
  "tasks.attempt",
  "tasks.createdById",
  "tasks.createdBy",
  "tasks.scheduleId",
  "tasks.scheduleName",
  "tasks.rerunOf",
  "tasks.idempotencyKey",
  "tasks.createdAt",
  "tasks.runAt",
  "tasks.startedAt",
  "tasks.finishedAt",
  "tasks.cancelRequestedAt",
  "tasks.runEnd",
  "tasks.code",
  "tasks.signal",
  "tasks.diskBeforeBytes",
  "tasks.diskAfterBytes",
  "tasks.cpuMs",
  "tasks.peakMemoryBytes",
  "tasks.stdoutBytes",
  "tasks.stderrBytes",
  "tasks.isOutputCut",
] as const satisfies readonly SelectExpression<Tables, "tasks">[];

/** What its site is called today; the name that it had then, when it is gone. */
export const currentSiteName = sql<string | null>`(select sites.name from sites where sites.id = tasks.site_id)`;

/** What a worker needs beyond that. */
const claimColumns = ["tasks.fence", "tasks.worker", "tasks.sealedEnvironment", "tasks.isStarted"] as const satisfies readonly SelectExpression<
  Tables,
  "tasks"
>[];
const columnsOf = (names: readonly string[]): readonly string[] => names.map((name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
const siteNameToday = "(select sites.name from sites where sites.id = tasks.site_id) as current_site_name";
/** A `TaskRow`, as text made once: to build forty columns for each task takes as long as the statement. */
export const taskRowColumns = [...columnsOf(taskColumns), siteNameToday].join(", ");
/** A `ClaimRow`, likewise. */
export const claimRowColumns = [
  ...columnsOf([...taskColumns, ...claimColumns]),
  siteNameToday,
  "(select sites.limits from sites where sites.id = tasks.site_id) as site_limits",
].join(", ");
export const claimRow = sql.raw(claimRowColumns);

type ColumnName<C extends string> = C extends `tasks.${infer Name}` ? Name : never;
/** A row with the columns above. */
export type TaskRow = Pick<Selectable<Tables["tasks"]>, ColumnName<(typeof taskColumns)[number]>> & { readonly currentSiteName: string | null };
/** What a claim gives. */
export type ClaimRow = TaskRow & Pick<Selectable<Tables["tasks"]>, ColumnName<(typeof claimColumns)[number]>> & { readonly siteLimits: SiteLimits | null };

/** A task out of a row that may hold more. */
export function taskOf(row: TaskRow): Task {
  const { id, uid, state, reason, program, legacy, environmentNames, priority, retry, limits, attempt } = row;
  const { rerunOf, idempotencyKey, createdAt, runAt, startedAt, finishedAt, cancelRequestedAt } = row;
  return {
    ...{ id, uid, state, reason, program, arguments: row.arguments, legacy, environmentNames, priority, retry, limits, attempt },
    ...{ rerunOf, idempotencyKey, createdAt, runAt, startedAt, finishedAt, cancelRequestedAt },
    site: row.siteName === null ? null : { id: row.siteId, name: row.currentSiteName ?? row.siteName },
    createdBy: row.createdBy === null ? null : { id: row.createdById, username: row.createdBy },
    schedule: row.scheduleId === null || row.scheduleName === null ? null : { id: row.scheduleId, name: row.scheduleName },
    result: resultOf(row),
  };
}

/** A claimed task out of a row. */
export function claimOf(row: ClaimRow, isTakenOver: boolean): ClaimedTask {
  const { fence, sealedEnvironment, isStarted, siteLimits } = row;
  return { ...taskOf(row), fence, worker: row.worker ?? "", sealedEnvironment, isStarted, isTakenOver, siteLimits };
}

function resultOf(row: TaskRow): TaskResult | null {
  const { runEnd, code, signal, diskBeforeBytes, diskAfterBytes, cpuMs, peakMemoryBytes, stdoutBytes, stderrBytes, isOutputCut } = row;
  if (runEnd === null) return null;
  return { end: runEnd, code, signal, diskBeforeBytes, diskAfterBytes, cpuMs, peakMemoryBytes, stdoutBytes, stderrBytes, isOutputCut };
}
