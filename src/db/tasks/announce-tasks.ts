import { sql } from "kysely";
import type { Database } from "../database.ts";
import type { Change } from "../notifications.ts";

/**
 * Says that there may be work, and that these tasks changed; heard when the change is committed. With a broker each task leaves a message in
 * the outbox as well.
 */
export async function announceWork(db: Change | Database, uids: readonly string[], options: { readonly usesBroker: boolean }): Promise<void> {
  if (uids.length === 0) return;
  await sql`select pg_notify('tasks', payload) from unnest(${["", ...uids]}::text[]) as payload`.execute(db);
  if (!options.usesBroker) return;
  await db
    .insertInto("taskOutbox")
    .values(uids.map((uid) => ({ uid })))
    .execute();
}
