import { Failure } from "#contract/failure.ts";
import type { Actor } from "#core/accounts/user.ts";
import type { NewOperation, Operation } from "#core/operations/operation.ts";
import type { OperationStore } from "#core/operations/operation-store.ts";
import type { Page, PageRequest } from "#core/page.ts";
import type { ActorSite } from "#core/sites/site.ts";
import { numberCursor, pageOf } from "../cursor.ts";
import type { Database } from "../database.ts";
import { isRowUuid } from "../row-id.ts";
import { insertOperation, operationColumns, operationOf, stepsOfOperation } from "./operation-rows.ts";

/** Operations as people see them, in PostgreSQL. */
export class PostgresOperationStore implements OperationStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async queue(site: ActorSite, operation: NewOperation): Promise<Operation> {
    return this.#db.transaction().execute(async (change) => {
      const row = await change.selectFrom("sites").select(["id", "name", "lifecycle"]).where("id", "=", site.id).forNoKeyUpdate().executeTakeFirst();
      if (row === undefined) throw new Failure("site_not_found");
      if (row.lifecycle === "deleting") throw new Failure("site_being_deleted");
      return insertOperation(change, row, operation);
    });
  }

  async forActor(actor: Actor, id: string): Promise<Operation | null> {
    if (!isRowUuid(id)) return null;
    let query = this.#db.selectFrom("operations").select(operationColumns).select(stepsOfOperation.as("steps")).where("id", "=", id);
    if (actor.user.role !== "administrator") {
      query = query.where((is) =>
        is.or([
          is("requestedById", "=", actor.user.id),
          is.exists(
            is
              .selectFrom("siteMembers")
              .select("siteMembers.siteId")
              .whereRef("siteMembers.siteId", "=", "operations.siteId")
              .where("userId", "=", actor.user.id),
          ),
        ]),
      );
    }
    const row = await query.executeTakeFirst();
    return row === undefined ? null : operationOf(row);
  }

  async listFor(site: ActorSite, request: PageRequest): Promise<Page<Operation>> {
    const before = numberCursor(request.cursor);
    let query = this.#db
      .selectFrom("operations")
      .select(operationColumns)
      .select(["operations.sequence", stepsOfOperation.as("steps")])
      .where("siteId", "=", site.id)
      .orderBy("sequence", "desc")
      .limit(request.limit + 1);
    if (before !== null) query = query.where("sequence", "<", before);
    return pageOf(await query.execute(), request.limit, { position: (row) => row.sequence, item: operationOf });
  }
}
