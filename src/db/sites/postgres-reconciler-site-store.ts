import { sql } from "kysely";
import type { Site } from "#core/sites/site.ts";
import type { ReconcilerSiteStore, SiteOutline } from "#core/sites/site-store.ts";
import type { Database } from "../database.ts";
import { outdatePages } from "../routes/outdate-pages.ts";
import { isRowNumber } from "../row-id.ts";
import { detachFromSite } from "../tasks/detach-tasks.ts";
import { isOwnedByAdministrator, siteColumns, siteOf } from "./site-rows.ts";

/** Sites by number, in PostgreSQL: for the worker only. */
export class PostgresReconcilerSiteStore implements ReconcilerSiteStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async byId(id: number): Promise<Site | null> {
    if (!isRowNumber(id)) return null;
    const row = await this.#select().where("id", "=", id).executeTakeFirst();
    return row === undefined ? null : siteOf(row);
  }

  async environment(id: number): Promise<string | null> {
    if (!isRowNumber(id)) return null;
    const row = await this.#db.selectFrom("sites").select("environment").where("id", "=", id).executeTakeFirst();
    return row?.environment ?? null;
  }

  async outlinesStamp(): Promise<string> {
    const { rows } = await sql<{ stamp: string }>`
      select count(*) || ' ' || coalesce(md5(string_agg(concat_ws(' ', id, revision, lifecycle, placement, node_id), ',' order by id)), '') as stamp
      from sites`.execute(this.#db);
    return rows[0]?.stamp ?? "";
  }

  outlinesAfter(id: number, limit: number): Promise<readonly SiteOutline[]> {
    return this.#db
      .selectFrom("sites")
      .select(["id", "revision", "lifecycle", "nodeId", "placement"])
      .where("id", ">", id)
      .orderBy("id")
      .limit(limit)
      .execute();
  }

  async starterOf(id: number): Promise<string | null> {
    const asked = await this.#db
      .selectFrom("operations")
      .select(sql<string | null>`input->>'starter'`.as("starter"))
      .where("siteId", "=", id)
      .where("kind", "=", "create")
      // The person's own; those after it are tries to carry it out.
      .orderBy("sequence")
      .limit(1)
      .executeTakeFirst();
    if (asked === undefined || asked.starter === null) return null;
    const replaced = await this.#db
      .selectFrom("operations")
      .select("id")
      .where("siteId", "=", id)
      .where("kind", "=", "deploy")
      .where("state", "=", "succeeded")
      .limit(1)
      .executeTakeFirst();
    return replaced === undefined ? asked.starter : null;
  }

  async markActive(id: number): Promise<void> {
    await this.#db
      .updateTable("sites")
      .set({ lifecycle: "active", updatedAt: sql<Date>`now()` })
      .where("id", "=", id)
      .where("lifecycle", "=", "creating")
      .execute();
  }

  async outdatePages(id: number): Promise<number | null> {
    return isRowNumber(id) ? outdatePages(this.#db, id) : null;
  }

  async remove(id: number): Promise<void> {
    // Only one that its owner gave up: a mistaken call must not take a living site's row.
    const isGoing = await this.#db.selectFrom("sites").select("id").where("id", "=", id).where("lifecycle", "=", "deleting").executeTakeFirst();
    if (isGoing === undefined) return;
    // Nothing is queued there any more.
    await detachFromSite(this.#db, id);
    await this.#db.deleteFrom("sites").where("id", "=", id).where("lifecycle", "=", "deleting").execute();
  }

  async deletedAmong(ids: readonly number[]): Promise<readonly number[]> {
    const known = ids.filter(isRowNumber);
    if (known.length === 0) return [];
    const rows = await this.#db
      .selectFrom("removedRoutes")
      .select("siteId")
      .where("siteId", "in", known)
      .where(({ not, exists, selectFrom }) => not(exists(selectFrom("sites").select("id").whereRef("sites.id", "=", "removedRoutes.siteId"))))
      .execute();
    return rows.map((row) => row.siteId);
  }

  async routeVersion(id: number): Promise<number> {
    const site = await this.#db.selectFrom("sites").select("routeVersion as version").where("id", "=", id).executeTakeFirst();
    const gone = await this.#db.selectFrom("removedRoutes").select("version").where("siteId", "=", id).executeTakeFirst();
    return Math.max(site?.version ?? 0, gone?.version ?? 0);
  }

  async versionAs(id: number, name: string): Promise<number> {
    // One question: a version of later than the name would let it claim what is somebody else's by now.
    const site = await this.#db.selectFrom("sites").select("routeVersion as version").where("id", "=", id).where("name", "=", name).executeTakeFirst();
    return site?.version ?? 0;
  }

  #select() {
    return this.#db.selectFrom("sites").select(siteColumns).select(isOwnedByAdministrator.as("isOwnedByAdministrator"));
  }
}
