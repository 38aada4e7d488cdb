import { sql } from "kysely";
import type { AttemptCounts, AttemptStore, NotedTry } from "#core/accounts/attempt-store.ts";
import { addressNetwork } from "#kit/address-network.ts";
import { cleanText } from "../clean-text.ts";
import type { Database } from "../database.ts";
import type { Change } from "../notifications.ts";

const familiarMs = 30 * 24 * 60 * 60 * 1000;

/** Tries to sign in, in PostgreSQL: counts hold over restarts and for several managers together. Of IPv6 the /64 counts, which is one customer's. */
export class PostgresAttemptStore implements AttemptStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  count(username: string, address: string, since: Date): Promise<AttemptCounts> {
    return countTries(this.#db, { account: key(username), address: addressNetwork(address) }, since);
  }

  noteTry(who: { readonly username: string; readonly address: string }, how: Parameters<AttemptStore["noteTry"]>[1]): Promise<NotedTry> {
    const [account, address] = [key(who.username), addressNetwork(who.address)];
    return this.#db.transaction().execute(async (change) => {
      // Before the statement that counts, which would not see what others note while it waits. Always in this order: nobody waits for each
      // other. What a power failure forgets of them is no loss.
      await sql`select set_config('synchronous_commit', 'off', true),
        pg_advisory_xact_lock(hashtextextended(${`sign-in as ${account}`}, 0)), pg_advisory_xact_lock(hashtextextended(${`sign-in from ${address}`}, 0))`.execute(
        change,
      );
      const counts = await countTries(change, { account, address }, how.since);
      const waitSeconds = how.judge(counts);
      if (waitSeconds === 0) await change.insertInto("signInAttempts").values({ username: account, address, at: how.at }).execute();
      return { counts, waitSeconds };
    });
  }

  async recordFailure(username: string, address: string, at: Date): Promise<void> {
    await this.#db
      .insertInto("signInAttempts")
      .values({ username: key(username), address: addressNetwork(address), at })
      .execute();
  }

  async recordSuccess(username: string, from: string, at: Date): Promise<void> {
    const [account, address] = [key(username), addressNetwork(from)];
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

async function countTries(db: Database | Change, who: { readonly account: string; readonly address: string }, since: Date): Promise<AttemptCounts> {
  const { account, address } = who;
  const isPair = sql<boolean>`username = ${account} and address = ${address}`;
  const familiarSince = new Date(since.getTime() - familiarMs);
  const { pairLastAt, addressLastAt, accountLastAt, ...counts } = await db
    .selectFrom("signInAttempts")
    .select([
      sql<number>`count(*) filter (where ${isPair})`.as("pair"),
      sql<number>`count(*) filter (where address = ${address})`.as("address"),
      sql<number>`count(*) filter (where username = ${account})`.as("account"),
      sql<Date | null>`max(at) filter (where ${isPair})`.as("pairLastAt"),
      sql<Date | null>`max(at) filter (where address = ${address})`.as("addressLastAt"),
      sql<Date | null>`max(at) filter (where username = ${account})`.as("accountLastAt"),
      sql<boolean>`exists (select 1 from familiar_addresses as known
        where known.username = ${account} and known.address = ${address} and known.at > ${familiarSince})`.as("isFamiliar"),
    ])
    .where("at", ">", since)
    .where((is) => is.or([is("username", "=", account), is("address", "=", address)]))
    .executeTakeFirstOrThrow();
  return { ...counts, lastAt: { pair: pairLastAt, address: addressLastAt, account: accountLastAt } };
}

/** Anything can be typed as a user name; what is kept of it is bounded. */
function key(username: string): string {
  return cleanText(username).slice(0, 200);
}
