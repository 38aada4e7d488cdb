import { sql } from "kysely";
import type { Database } from "../database.ts";
import { tickRoute } from "./route-clock.ts";

/** Begins a new generation of a site's kept answers; null for a site of which nothing is kept. */
export function outdatePages(db: Database, siteId: number): Promise<number | null> {
  return db.transaction().execute(async (change) => {
    const site = await change
      .updateTable("sites")
      .set({ cacheGeneration: sql<number>`cache_generation + 1` })
      .where("id", "=", siteId)
      .where("lifecycle", "!=", "deleting")
      .where(sql<boolean>`(cache->>'isOn')::boolean`)
      .returning("id")
      .executeTakeFirst();
    return site === undefined ? null : tickRoute(change, site.id);
  });
}
