import { type Selectable, type SelectExpression, sql } from "kysely";
import { Failure } from "#contract/failure.ts";
import type { NewOperation, Operation, Step } from "#core/operations/operation.ts";
import { cleanJson, cleanText } from "../clean-text.ts";
import { type Change, notifyOperation } from "../notifications.ts";
import type { Tables } from "../tables.ts";

/** The columns of an operation as people see it. */
export const operationColumns = [
  "operations.id",
  "operations.kind",
  "operations.state",
  "operations.siteId",
  "operations.siteName",
  "operations.requestedBy",
  "operations.requestedById",
  "operations.input",
  "operations.failure",
  "operations.createdAt",
  "operations.startedAt",
  "operations.finishedAt",
] as const satisfies readonly SelectExpression<Tables, "operations">[];

/** A step as JSON carries it: times are texts. */
type StepJson = Omit<Step, "startedAt" | "finishedAt"> & { readonly startedAt: string | null; readonly finishedAt: string | null };

/** An operation's steps in order, read in the same statement as the operation, so that both are of one moment. */
export const stepsOfOperation = sql<readonly StepJson[]>`(
  select coalesce(json_agg(json_build_object('name', name, 'title', title, 'state', state, 'attempt', attempt, 'message', message,
    'startedAt', started_at, 'finishedAt', finished_at) order by position), '[]'::json)
  from operation_steps where operation_id = operations.id)`;

type OperationRow = Pick<Selectable<Tables["operations"]>, Exclude<keyof Operation, "steps">> & { readonly steps: readonly StepJson[] };

/** An operation out of a row that may hold more. */
export function operationOf(row: OperationRow): Operation {
  const { id, kind, state, siteId, siteName, requestedBy, requestedById, input, failure, createdAt, startedAt, finishedAt } = row;
  const steps = row.steps.map((step) => ({ ...step, startedAt: dateOf(step.startedAt), finishedAt: dateOf(step.finishedAt) }));
  return { id, kind, state, siteId, siteName, requestedBy, requestedById, input, failure, steps, createdAt, startedAt, finishedAt };
}

/** How many operations of a site may wait and run: they are done one after the other, and whoever claims looks at all of them. */
const mostUnfinished = 20;
/** Administrators get in where members have filled the queue. */
const mostUnfinishedOfAdministrators = 2 * mostUnfinished;

/**
 * Adds an operation to its site's queue. The caller holds the lock of the site's row, which keeps the queue in the order of commits.
 * @throws {Failure} `site_busy` when too many wait already; a deletion always gets in.
 */
export async function insertOperation(change: Change, site: { readonly id: number; readonly name: string }, operation: NewOperation): Promise<Operation> {
  const requestedBy =
    operation.requestedById === null
      ? undefined
      : await change.selectFrom("users").select(["id", "username", "role"]).where("id", "=", operation.requestedById).executeTakeFirst();
  const most = requestedBy?.role === "administrator" ? mostUnfinishedOfAdministrators : mostUnfinished;
  if (operation.kind !== "delete") await demandRoom(change, site.id, most);
  await change
    .insertInto("operations")
    .values({
      id: operation.id,
      kind: operation.kind,
      siteId: site.id,
      siteName: site.name,
      requestedById: requestedBy?.id ?? null,
      requestedBy: requestedBy?.username ?? null,
      input: cleanJson(operation.input),
    })
    .execute();
  const steps = operation.steps.map(({ name, title }, position) => ({ operationId: operation.id, position, name, title: cleanText(title) }));
  if (steps.length > 0) await change.insertInto("operationSteps").values(steps).execute();
  await notifyOperation(change, operation.id);
  const row = await change
    .selectFrom("operations")
    .select(operationColumns)
    .select(stepsOfOperation.as("steps"))
    .where("id", "=", operation.id)
    .executeTakeFirst();
  if (row === undefined) throw new Failure("operation_not_found");
  return operationOf(row);
}

async function demandRoom(change: Change, siteId: number, most: number): Promise<void> {
  const { rows } = await sql<{ count: number }>`
    select count(*) from (select from operations where site_id = ${siteId} and state in ('queued', 'running') limit ${most}) as unfinished`.execute(change);
  if ((rows[0]?.count ?? 0) >= most) throw new Failure("site_busy");
}

function dateOf(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
