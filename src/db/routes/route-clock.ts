import { sql } from "kysely";
import { type Change, notifyRoutes } from "../notifications.ts";

/**
 * Takes the next version of the route table for a site. The clock's row stays locked until commit, so that whoever sees a version
 * sees every earlier one too. Call it last in a transaction: everybody who changes a route waits for it.
 */
export async function tickRoute(change: Change, siteId: number): Promise<number> {
  const version = await tick(change);
  await change.updateTable("sites").set({ routeVersion: version }).where("id", "=", siteId).execute();
  await notifyRoutes(change, version);
  return version;
}

/** The same for a site whose route ends. */
export async function tickRouteRemoved(change: Change, siteId: number): Promise<void> {
  const version = await tickRoute(change, siteId);
  await change
    .insertInto("removedRoutes")
    .values({ siteId, version })
    .onConflict((conflict) => conflict.column("siteId").doUpdateSet({ version }))
    .execute();
}

async function tick(change: Change): Promise<number> {
  const { version } = await change.updateTable("routeClock").set({ version: sql<number>`version + 1` }).returning("version").executeTakeFirstOrThrow();
  return version;
}
