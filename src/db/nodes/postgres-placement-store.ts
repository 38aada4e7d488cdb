import { sql } from "kysely";
import type { Move, PlacedSite, Placement, PlacementStore, RunPlace } from "#core/nodes/node-store.ts";
import type { Database } from "../database.ts";
import { tickRoute } from "../routes/route-clock.ts";
import { isRowNumber, isRowUuid } from "../row-id.ts";

/** Which orchestrator holds what, in PostgreSQL. */
export class PostgresPlacementStore implements PlacementStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async ofSite(siteId: number): Promise<Placement | null> {
    if (!isRowNumber(siteId)) return null;
    const row = await this.#db.selectFrom("sites").select(["nodeId", "placement as number"]).where("id", "=", siteId).executeTakeFirst();
    return row ?? null;
  }

  async counts(): Promise<ReadonlyMap<string | null, number>> {
    const rows = await this.#db
      .selectFrom("sites")
      .select(["nodeId", sql<number>`count(*)`.as("sites")])
      .groupBy("nodeId")
      .execute();
    return new Map(rows.map((row) => [row.nodeId, row.sites]));
  }

  async onNode(nodeId: string | null, limit: number): Promise<readonly PlacedSite[]> {
    const rows = await this.#db
      .selectFrom("sites")
      .select(["id", "nodeId", "placement"])
      .where("nodeId", nodeId === null ? "is" : "=", nodeId)
      .orderBy("id")
      .limit(limit)
      .execute();
    return rows.map((row) => ({ siteId: row.id, placement: { nodeId: row.nodeId, number: row.placement } }));
  }

  async move({ siteId, from, to, isTakenOver }: Move): Promise<boolean> {
    return this.#db.transaction().execute(async (change) => {
      const { numUpdatedRows } = await change
        .updateTable("sites")
        .set({ nodeId: to, placement: from.number + 1, isTakenOver, revision: sql<number>`revision + 1` })
        .where("id", "=", siteId)
        .where("placement", "=", from.number)
        .where("nodeId", from.nodeId === null ? "is" : "=", from.nodeId)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) return false;
      const { lifecycle } = await change.selectFrom("sites").select("lifecycle").where("id", "=", siteId).executeTakeFirstOrThrow();
      // Routers know nothing of one that is being deleted any more.
      if (lifecycle !== "deleting") await tickRoute(change, siteId);
      return true;
    });
  }

  async ofRun({ uid, attempt }: { readonly uid: string; readonly attempt: number | null }): Promise<string | null> {
    if (!isRowUuid(uid)) return null;
    let query = this.#db.selectFrom("runPlaces").select("nodeId").where("uid", "=", uid).orderBy("attempt", "desc").limit(1);
    if (attempt !== null) query = query.where("attempt", "=", attempt);
    return (await query.executeTakeFirst())?.nodeId ?? null;
  }

  async placesOfRun(uid: string): Promise<readonly RunPlace[]> {
    if (!isRowUuid(uid)) return [];
    return (
      this.#db
        .selectFrom("runPlaces")
        // One that was forgotten is noted still, and has nothing any more that could be forgotten there.
        .innerJoin("nodes", "nodes.id", "runPlaces.nodeId")
        .select(["nodeId", sql<number>`max(attempt)`.as("attempt")])
        .where("uid", "=", uid)
        .groupBy("nodeId")
        .orderBy("attempt")
        .execute()
    );
  }

  async placeRun({ uid, attempt }: { readonly uid: string; readonly attempt: number }, nodeId: string): Promise<void> {
    await this.#db
      .insertInto("runPlaces")
      .values({ uid, attempt, nodeId })
      .onConflict((conflict) => conflict.columns(["uid", "attempt"]).doUpdateSet({ nodeId }))
      .execute();
  }

  async forgetRun(uid: string): Promise<void> {
    if (isRowUuid(uid)) await this.#db.deleteFrom("runPlaces").where("uid", "=", uid).execute();
  }
}
