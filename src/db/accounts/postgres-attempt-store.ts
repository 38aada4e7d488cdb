import { sql } from "kysely";
import type { AttemptCounts, AttemptStore } from "#core/accounts/attempt-store.ts";
import { cleanText } from "../clean-text.ts";
import type { Database } from "../database.ts";

const familiarMs = 30 * 24 * 60 * 60 * 1000;

/** Tries to sign in, in PostgreSQL: counts hold over restarts and for several managers together. */
export class PostgresAttemptStore implements AttemptStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async count(username: string, address: string, since: Date): Promise<AttemptCounts> {
    const account = key(username);
    const isPair = sql<boolean>`username = ${account} and address = ${address}`;
    const counts = await this.#db
      .selectFrom("signInAttempts")
      .select([
        sql<number>`count(*) filter (where ${isPair})`.as("pair"),
        sql<number>`count(*) filter (where address = ${address})`.as("address"),
        sql<number>`count(*) filter (where username = ${account})`.as("account"),
        sql<Date | null>`max(at) filter (where ${isPair})`.as("pairLastAt"),
        sql<Date | null>`max(at) filter (where address = ${address})`.as("addressLastAt"),
        sql<Date | null>`max(at) filter (where username = ${account})`.as("accountLastAt"),
      ])
      .where("at", ">", since)
      .where((is) => is.or([is("username", "=", account), is("address", "=", address)]))
      .executeTakeFirstOrThrow();
    const familiar = await this.#db
      .selectFrom("familiarAddresses")
      .select("at")
      .where("username", "=", account)
      .where("address", "=", address)
      .where("at", ">", new Date(since.getTime() - familiarMs))
      .executeTakeFirst();
    const { pairLastAt, addressLastAt, accountLastAt, ...numbers } = counts;
    return { ...numbers, isFamiliar: familiar !== undefined, lastAt: { pair: pairLastAt, address: addressLastAt, account: accountLastAt } };
  }

  async recordFailure(username: string, address: string, at: Date): Promise<void> {
    await this.#db
      .insertInto("signInAttempts")
      .values({ username: key(username), address, at })
      .execute();
  }

  async recordSuccess(username: string, address: string, at: Date): Promise<void> {
    const account = key(username);
    await this.#db.transaction().execute(async (change) => {
      await change
        .insertInto("familiarAddresses")
        .values({ username: account, address, at })
        .onConflict((conflict) => conflict.columns(["username", "address"]).doUpdateSet({ at }))
        .execute();
      await change.deleteFrom("signInAttempts").where("username", "=", account).where("address", "=", address).execute();
    });
  }

  async deleteOlderThan(at: Date): Promise<number> {
    const { numDeletedRows } = await this.#db.deleteFrom("signInAttempts").where("at", "<", at).executeTakeFirst();
    await this.#db
      .deleteFrom("familiarAddresses")
      .where("at", "<", new Date(at.getTime() - familiarMs))
      .execute();
    return Number(numDeletedRows);
  }
}

/** Anything can be typed as a user name; what is kept of it is bounded. */
function key(username: string): string {
  return cleanText(username).slice(0, 200);
}
