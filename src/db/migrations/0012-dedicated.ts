import { type Kysely, sql } from "kysely";

/** Static sites with a file server of their own. */
export const dedicated = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`alter table sites add column is_dedicated boolean not null default false`.execute(db);
  },
};
