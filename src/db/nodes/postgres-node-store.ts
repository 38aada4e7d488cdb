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

  async beat(beats: readonly NodeBeat[]): Promise<void> {
    const known = await sql<{ readonly id: string }>`
      update nodes set host = beat.host, url = beat.url, version = beat.version, report = beat.report, last_seen_at = clock_timestamp()
      from jsonb_to_recordset(${cleanJson(beats)}::jsonb) as beat (id text, kind text, host text, url text, version text, report jsonb)
      where nodes.id = beat.id and nodes.kind = beat.kind
      returning nodes.id`.execute(this.#db);
    const ids = new Set(known.rows.map(({ id }) => id));
    for (const beat of beats) if (!ids.has(beat.id)) await this.#add(beat);
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

  async #add({ id, kind, host, url, version, report }: NodeBeat): Promise<void> {
    const row = { id, kind, url, host: cleanText(host), version: cleanText(version), report: report === null ? null : cleanJson(report) };
    await this.#db.transaction().execute(async (change) => {
      // One after the other: which orchestrator is the first must not change once somebody has seen it.
      await sql`lock table nodes in share row exclusive mode`.execute(change);
      await change
        .insertInto("nodes")
        .values(row)
        .onConflict((conflict) => conflict.column("id").doNothing())
        .execute();
      // Whoever was called so before is not there any more.
      if (url !== null) await change.updateTable("nodes").set({ url: null }).where("url", "=", url).where("kind", "=", kind).where("id", "!=", id).execute();
    });
  }

  #select() {
    const silentMs = sql<number>`greatest(0, extract(epoch from clock_timestamp() - last_seen_at) * 1000)::double precision`;
    return this.#db.selectFrom("nodes").select(columns).select(silentMs.as("silentMs"));
  }
}
