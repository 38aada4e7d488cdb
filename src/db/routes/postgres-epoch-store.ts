import { sql } from "kysely";
import type { EpochStore } from "#core/routes/route-store.ts";
import type { EpochBump } from "#kit/epochs.ts";
import type { Database } from "../database.ts";

/** Epochs, in PostgreSQL. */
export class PostgresEpochStore implements EpochStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async changedWithin(ms: number): Promise<EpochBump> {
    // The statement's moment, and not the clock's: only that can be looked up in the index.
    const at = sql<Date>`statement_timestamp() - make_interval(secs => ${ms / 1000}::double precision)`;
    const sites = await this.#db.selectFrom("sites").select(["id", "epoch"]).where("epochChangedAt", ">=", at).where("epoch", ">", 0).orderBy("id").execute();
    const users = await this.#db.selectFrom("users").select(["id", "epoch"]).where("epochChangedAt", ">=", at).where("epoch", ">", 0).orderBy("id").execute();
    return { sites: sites.map((row) => [row.id, row.epoch] as const), users: users.map((row) => [row.id, row.epoch] as const) };
  }
}
