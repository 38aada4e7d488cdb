import { sql } from "kysely";
import { Failure } from "#contract/failure.ts";
import type { NewOperation, Operation } from "#core/operations/operation.ts";
import type { ActorSite } from "#core/sites/site.ts";
import type { SiteDatabase } from "#core/sites/site-database.ts";
import type { SiteDatabaseStore } from "#core/sites/site-database-store.ts";
import type { Database } from "../database.ts";
import type { Change } from "../notifications.ts";
import { insertOperation } from "../operations/operation-rows.ts";
import { databaseColumns } from "./site-database-rows.ts";

/** Databases of sites as people see them, in PostgreSQL. */
export class PostgresSiteDatabaseStore implements SiteDatabaseStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async find(site: ActorSite): Promise<SiteDatabase | null> {
    return (await this.#db.selectFrom("siteDatabases").select(databaseColumns).where("siteId", "=", site.id).executeTakeFirst()) ?? null;
  }

  async add(site: ActorSite, database: { readonly id: string; readonly password: string }, operation: NewOperation): Promise<Operation> {
    return this.#db.transaction().execute(async (change) => {
      const locked = await lockLiving(change, site.id);
      const before = await present(change, site.id);
      if (before !== undefined && before.lifecycle !== "failed") throw new Failure("site_database_exists");
      // Taken up again it keeps its id: what there is of it on the server carries that.
      await change
        .insertInto("siteDatabases")
        .values({ siteId: site.id, ...database, lifecycle: "adding" })
        .onConflict((conflict) => conflict.column("siteId").doUpdateSet({ lifecycle: "adding", password: database.password, pendingPassword: null }))
        .execute();
      return insertOperation(change, locked, operation);
    });
  }

  async changePassword(site: ActorSite, password: string, operation: NewOperation): Promise<Operation> {
    return this.#db.transaction().execute(async (change) => {
      const locked = await lockLiving(change, site.id);
      const before = await present(change, site.id);
      if (before === undefined) throw new Failure("site_database_not_found");
      // One that failed leaves its password pending, and must not keep the next one from being tried.
      if (before.lifecycle !== "ready" || (await isChanging(change, site.id))) throw new Failure("site_busy");
      await change.updateTable("siteDatabases").set({ pendingPassword: password }).where("siteId", "=", site.id).execute();
      return insertOperation(change, locked, operation);
    });
  }

  async delete(site: ActorSite, operation: NewOperation): Promise<Operation> {
    return this.#db.transaction().execute(async (change) => {
      const locked = await lockLiving(change, site.id);
      const { numUpdatedRows } = await change.updateTable("siteDatabases").set({ lifecycle: "deleting" }).where("siteId", "=", site.id).executeTakeFirst();
      if (numUpdatedRows === 0n) throw new Failure("site_database_not_found");
      await change.updateTable("sites").set({ revision: sql<number>`revision + 1` }).where("id", "=", site.id).execute();
      return insertOperation(change, locked, operation);
    });
  }
}

async function lockLiving(change: Change, id: number) {
  const row = await change.selectFrom("sites").select(["id", "name", "lifecycle"]).where("id", "=", id).forNoKeyUpdate().executeTakeFirst();
  if (row === undefined) throw new Failure("site_not_found");
  if (row.lifecycle === "deleting") throw new Failure("site_being_deleted");
  return row;
}

function present(change: Change, siteId: number) {
  return change.selectFrom("siteDatabases").select("lifecycle").where("siteId", "=", siteId).executeTakeFirst();
}

async function isChanging(change: Change, siteId: number): Promise<boolean> {
  const row = await change
    .selectFrom("operations")
    .select("id")
    .where("siteId", "=", siteId)
    .where("kind", "=", "change-database-password")
    .where("state", "in", ["queued", "running"])
    .executeTakeFirst();
  return row !== undefined;
}
