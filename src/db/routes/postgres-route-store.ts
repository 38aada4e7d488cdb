import type { RouteChanges, RouteStore } from "#core/routes/route-store.ts";
import type { Database } from "../database.ts";
import { isRowNumber } from "../row-id.ts";
import { isOwnedByAdministrator, siteColumns, siteOf } from "../sites/site-rows.ts";
import { outdatePages } from "./outdate-pages.ts";

/** The route table, in PostgreSQL. */
export class PostgresRouteStore implements RouteStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async snapshot(): Promise<RouteChanges> {
    return { ...(await this.#changes(-1)), removed: [] };
  }

  async since(version: number): Promise<RouteChanges> {
    if (!Number.isSafeInteger(version)) return this.#changes(-1);
    // What each router's feed asks every few seconds: nearly always nothing has changed.
    const clock = await this.#db.selectFrom("routeClock").select("version").executeTakeFirstOrThrow();
    return clock.version === version ? { version, upserts: [], removed: [] } : this.#changes(version);
  }

  async outdatePages(siteId: number): Promise<number | null> {
    return isRowNumber(siteId) ? outdatePages(this.#db, siteId) : null;
  }

  async #changes(since: number): Promise<RouteChanges> {
    // One moment for all three: the version must not be later than what is listed.
    return this.#db
      .transaction()
      .setIsolationLevel("repeatable read")
      .setAccessMode("read only")
      .execute(async (view) => {
        const { version } = await view.selectFrom("routeClock").select("version").executeTakeFirstOrThrow();
        const sites = await view
          .selectFrom("sites")
          .select(siteColumns)
          .select(isOwnedByAdministrator.as("isOwnedByAdministrator"))
          .where("routeVersion", ">", since)
          .where("lifecycle", "!=", "deleting")
          .orderBy("routeVersion")
          .execute();
        const removed = await view.selectFrom("removedRoutes").select("siteId").where("version", ">", since).orderBy("version").execute();
        return { version, upserts: sites.map(siteOf), removed: removed.map((row) => row.siteId) };
      });
  }
}
