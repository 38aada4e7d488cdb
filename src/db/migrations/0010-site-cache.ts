import { type Kysely, sql } from "kysely";

/** How routers keep a site's answers, and which of them are out of date. */
export const siteCache = {
  async up(db: Kysely<unknown>): Promise<void> {
    const off = `{"isOn": false, "defaultSeconds": 0, "revalidateSeconds": 30, "staleSeconds": 86400, "sharesSignedIn": false, "bytes": 16777216}`;
    await sql.raw(`alter table sites add column cache jsonb not null default '${off}', add column cache_generation integer not null default 0`).execute(db);
  },
};
