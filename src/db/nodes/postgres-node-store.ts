import { sql } from "kysely";
import type { Node, NodeBeat } from "#core/nodes/node.ts";
import type { NodeStore } from "#core/nodes/node-store.ts";
import { cleanJson, cleanText } from "../clean-text.ts";
import type { Database } from "../database.ts";

const columns = ["id", "number", "kind", "host", "url", "version", "report", "isDrained", "firstSeenAt", "lastSeenAt"] as const;

/** What processes know of each other, in PostgreSQL. Ages are by its clock: those of several hosts need not agree. */
export class PostgresNodeStore implements NodeStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async beat(beat: NodeBeat): Promise<void> {
    const { id, kind, url } = beat;
    const now = {
      host: cleanText(beat.host),
      url,
      version: cleanText(beat.version),
      report: beat.report === null ? null : cleanJson(beat.report),
    };
    const { numUpdatedRows } = await this.#db
      .updateTable("nodes")
      .set({ ...now, lastSeenAt: sql<Date>`clock_timestamp()` })
      .where("id", "=", id)
      .where("kind", "=", kind)
      .executeTakeFirst();
    if (numUpdatedRows > 0n) return;
    await this.#db.transaction().execute(async (change) => {
      // One after the other: which orchestrator is the first must not change once somebody has seen it.
      await sql`lock table nodes in share row exclusive mode`.execute(change);
      await change
        .insertInto("nodes")
        .values({ id, kind, ...now })
        .onConflict((conflict) => conflict.column("id").doNothing())
        .execute();
      // Whoever was called so before is not there any more.
      if (url !== null) await change.updateTable("nodes").set({ url: null }).where("url", "=", url).where("kind", "=", kind).where("id", "!=", id).execute();
    });
  }

  async all(): Promise<readonly Node[]> {
    return this.#select().orderBy("number").execute();
  }

  async setDrained(id: string, isDrained: boolean): Promise<Node | null> {
    const known = cleanText(id);
    await this.#db.updateTable("nodes").set({ isDrained }).where("id", "=", known).where("kind", "=", "orchestrator").execute();
    return (await this.#select().where("id", "=", known).where("kind", "=", "orchestrator").executeTakeFirst()) ?? null;
  }

  async remove(id: string): Promise<void> {
    await this.#db.deleteFrom("nodes").where("id", "=", cleanText(id)).execute();
  }

  async removeSilent(olderThanMs: number): Promise<void> {
    await this.#db
      .deleteFrom("nodes")
      .where("kind", "!=", "orchestrator")
      .where("lastSeenAt", "<", sql<Date>`clock_timestamp() - make_interval(secs => ${olderThanMs / 1000}::double precision)`)
      .execute();
  }

  #select() {
    const silentMs = sql<number>`greatest(0, extract(epoch from clock_timestamp() - last_seen_at) * 1000)::double precision`;
    return this.#db.selectFrom("nodes").select(columns).select(silentMs.as("silentMs"));
  }
}
