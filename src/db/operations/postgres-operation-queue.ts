import { sql } from "kysely";
import type { NewOperation, Operation } from "#core/operations/operation.ts";
import type { ClaimedOperation, OperationQueue, OperationResult, StepChange } from "#core/operations/operation-store.ts";
import { cleanJson, cleanText } from "../clean-text.ts";
import type { Database } from "../database.ts";
import { type Change, notifyOperation } from "../notifications.ts";
import { isRowNumber } from "../row-id.ts";
import { insertOperation, operationColumns, operationOf, stepsOfOperation } from "./operation-rows.ts";

/**
 * The first unfinished operation of each site. A running one counts before older ones, which cannot be: queueing takes the
 * site's lock. One whose site is gone stands for itself.
 */
const isHead = sql<boolean>`not exists (
  select 1 from operations as before
  where before.site_id = operations.site_id and before.id <> operations.id
    and before.state in ('queued', 'running') and (before.sequence < operations.sequence or before.state = 'running'))`;

/** The queue of operations, in PostgreSQL. Times are the server's, so that the clocks of several workers need not agree. */
export class PostgresOperationQueue implements OperationQueue {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async claim(request: { readonly owner: string; readonly leaseMs: number; readonly limit: number }): Promise<readonly ClaimedOperation[]> {
    const { owner, leaseMs, limit } = request;
    return this.#db.transaction().execute(async (change) => {
      // A row that another claimer holds is skipped; one that it changed after this statement began is judged anew.
      const due = await change
        .selectFrom("operations")
        .select("id")
        .where("state", "in", ["queued", "running"])
        .where("dueAt", "<=", sql<Date>`clock_timestamp()`)
        .where(isHead)
        .orderBy("sequence")
        .limit(limit)
        .forUpdate()
        .skipLocked()
        .execute();
      if (due.length === 0) return [];
      const ids = due.map((row) => row.id);
      await change
        .updateTable("operations")
        .set({
          state: "running",
          leaseOwner: owner,
          dueAt: after(leaseMs),
          attempt: sql<number>`attempt + 1`,
          startedAt: sql<Date>`coalesce(started_at, now())`,
        })
        .where("id", "in", ids)
        .execute();
      for (const id of ids) await notifyOperation(change, id);
      const rows = await change
        .selectFrom("operations")
        .select(operationColumns)
        .select(["operations.attempt", stepsOfOperation.as("steps")])
        .where("id", "in", ids)
        .orderBy("sequence")
        .execute();
      return rows.map((row) => ({ ...operationOf(row), attempt: row.attempt }));
    });
  }

  async renew(claim: ClaimedOperation, owner: string, leaseMs: number): Promise<boolean> {
    const { numUpdatedRows } = await held(this.#db.updateTable("operations").set({ dueAt: after(leaseMs) }), claim, owner).executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async saveSteps(claim: ClaimedOperation, owner: string, changes: readonly StepChange[]): Promise<boolean> {
    // Forgotten in a power failure at worst, and then the step is done again: no wait for the disk. Whatever is written durably after it keeps it, too.
    return this.#whileHeld(claim, { owner, mayBeLost: true }, async (db) => {
      for (const change of changes) await saveStep(db, claim.id, change);
    });
  }

  async finish(claim: ClaimedOperation, owner: string, result: OperationResult): Promise<boolean> {
    const failure = result.state === "failed" ? cleanJson(result.failure) : null;
    return this.#whileHeld(claim, { owner }, async (db) => {
      if (result.lastStep !== undefined) await saveStep(db, claim.id, result.lastStep);
      await db
        .updateTable("operations")
        .set({ state: result.state, failure, leaseOwner: null, finishedAt: sql<Date>`clock_timestamp()` })
        .where("id", "=", claim.id)
        .execute();
    });
  }

  async postpone(claim: ClaimedOperation, owner: string, afterMs: number): Promise<boolean> {
    // It stays `running`, without an owner: so its site stays blocked, and it is claimed like one whose lease has ended.
    return this.#whileHeld(claim, { owner }, async (db) => {
      await db
        .updateTable("operations")
        .set({ leaseOwner: null, dueAt: after(afterMs) })
        .where("id", "=", claim.id)
        .execute();
    });
  }

  async nextDueMs(): Promise<number | null> {
    const { ms } = await this.#db
      .selectFrom("operations")
      .select(sql<number | null>`(extract(epoch from min(due_at) - clock_timestamp()) * 1000)::double precision`.as("ms"))
      .where("state", "in", ["queued", "running"])
      .where(isHead)
      .executeTakeFirstOrThrow();
    return ms === null ? null : Math.max(Math.ceil(ms), 0);
  }

  async queueForReconciler(siteId: number, operation: NewOperation): Promise<Operation | null> {
    if (!isRowNumber(siteId)) return null;
    return this.#db.transaction().execute(async (change) => {
      const site = await change.selectFrom("sites").select(["id", "name"]).where("id", "=", siteId).forNoKeyUpdate().executeTakeFirst();
      if (site === undefined) return null;
      const waiting = await change
        .selectFrom("operations")
        .select("id")
        .where("siteId", "=", siteId)
        .where("state", "in", ["queued", "running"])
        .limit(1)
        .executeTakeFirst();
      return waiting === undefined ? insertOperation(change, site, operation) : null;
    });
  }

  /** Does something to an operation while nobody can claim it; nothing at all when the fence says that somebody has. */
  async #whileHeld(
    claim: ClaimedOperation,
    how: { readonly owner: string; readonly mayBeLost?: boolean },
    work: (change: Change) => Promise<void>,
  ): Promise<boolean> {
    return this.#db.transaction().execute(async (change) => {
      const operation = change.selectFrom("operations").select("id");
      // Set for this transaction alone, in the statement that is sent anyway.
      const select = how.mayBeLost === true ? operation.select(sql<string>`set_config('synchronous_commit', 'off', true)`.as("commit")) : operation;
      const row = await held(select, claim, how.owner).forUpdate().executeTakeFirst();
      if (row === undefined) return false;
      await work(change);
      await notifyOperation(change, claim.id);
      return true;
    });
  }
}

async function saveStep(db: Change, operationId: string, change: StepChange): Promise<void> {
  const isEnd = change.state === "succeeded" || change.state === "failed";
  await db
    .updateTable("operationSteps")
    .set({
      state: change.state,
      attempt: change.attempt,
      message: change.message === null ? null : cleanText(change.message),
      ...(change.state === "running" ? { startedAt: sql<Date>`coalesce(started_at, clock_timestamp())` } : {}),
      finishedAt: isEnd ? sql<Date>`clock_timestamp()` : null,
    })
    .where("operationId", "=", operationId)
    .where("position", "=", change.position)
    .execute();
}

/** Narrows a query to the operation while this claim is the latest and has not been given back. */
function held<Q extends { where(condition: ReturnType<typeof sql<boolean>>): Q }>(query: Q, claim: ClaimedOperation, owner: string): Q {
  return query.where(sql<boolean>`operations.id = ${claim.id} and state = 'running' and attempt = ${claim.attempt} and lease_owner = ${owner}`);
}

function after(ms: number) {
  return sql<Date>`clock_timestamp() + make_interval(secs => ${ms / 1000}::double precision)`;
}
