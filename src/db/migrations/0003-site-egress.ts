import { type Kysely, sql } from "kysely";

/** Where a site's program may connect to. */
export const siteEgress = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql.raw("alter table sites add column egress text not null default 'none' check (egress in ('none', 'internet'))").execute(db);
  },
};
