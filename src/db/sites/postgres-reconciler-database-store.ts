import { sql } from "kysely";
import type { SiteDatabase } from "#core/sites/site-database.ts";
import type { MeasuredDatabase, ReconcilerDatabaseStore } from "#core/sites/site-database-store.ts";
import type { Database } from "../database.ts";
import type { Change } from "../notifications.ts";
import { databaseColumns } from "./site-database-rows.ts";

/** Databases of sites by number, in PostgreSQL: for the worker only. */
export class PostgresReconcilerDatabaseStore implements ReconcilerDatabaseStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async bySite(siteId: number): Promise<SiteDatabase | null> {
    return (await this.#db.selectFrom("siteDatabases").select(databaseColumns).where("siteId", "=", siteId).executeTakeFirst()) ?? null;
  }

  async ready(after: number, limit: number): Promise<readonly SiteDatabase[]> {
    return this.#db
      .selectFrom("siteDatabases")
      .select(databaseColumns)
      .where("lifecycle", "=", "ready")
      .where("siteId", ">", after)
      .orderBy("siteId")
      .limit(limit)
      .execute();
  }

  async markReady(siteId: number): Promise<void> {
    await this.#db.transaction().execute(async (change) => {
      await lock(change, siteId);
      const { numUpdatedRows } = await change
        .updateTable("siteDatabases")
        .set({ lifecycle: "ready" })
        .where("siteId", "=", siteId)
        .where("lifecycle", "=", "adding")
        .executeTakeFirst();
      if (numUpdatedRows > 0n) await grow(change, siteId);
    });
  }

  async markFailed(siteId: number): Promise<void> {
    await this.#db.updateTable("siteDatabases").set({ lifecycle: "failed" }).where("siteId", "=", siteId).where("lifecycle", "=", "adding").execute();
  }

  async passwordChanged(siteId: number, password: string): Promise<void> {
    await this.#db.transaction().execute(async (change) => {
      await lock(change, siteId);
      const { numUpdatedRows } = await change
        .updateTable("siteDatabases")
        .set({ password, pendingPassword: sql<string | null>`nullif(pending_password, ${password})` })
        .where("siteId", "=", siteId)
        .where("password", "!=", password)
        .executeTakeFirst();
      if (numUpdatedRows > 0n) await grow(change, siteId);
    });
  }

  async measured(measurements: readonly MeasuredDatabase[]): Promise<void> {
    if (measurements.length === 0) return;
    const rows = JSON.stringify(measurements);
    await sql`update site_databases set bytes = found.bytes, hold = found.hold, measured_at = now()
      from jsonb_to_recordset(${rows}::jsonb) as found("siteId" integer, bytes bigint, hold text)
      where site_databases.site_id = found."siteId"`.execute(this.#db);
  }

  async remove(siteId: number): Promise<void> {
    // Only one that was given up, or whose site was: a mistaken call must not forget a living database.
    await this.#db
      .deleteFrom("siteDatabases")
      .where("siteId", "=", siteId)
      .where((is) =>
        is.or([
          is("lifecycle", "=", "deleting"),
          is.exists(is.selectFrom("sites").select("sites.id").whereRef("sites.id", "=", "siteDatabases.siteId").where("sites.lifecycle", "=", "deleting")),
        ]),
      )
      .execute();
  }
}

/** Rows are locked in the order that everyone takes them: the site's first. */
async function lock(change: Change, siteId: number): Promise<void> {
  await change.selectFrom("sites").select("id").where("id", "=", siteId).forNoKeyUpdate().execute();
}

/** The specification has changed: the orchestrator has to be told. */
async function grow(change: Change, siteId: number): Promise<void> {
  await change.updateTable("sites").set({ revision: sql<number>`revision + 1` }).where("id", "=", siteId).execute();
}
