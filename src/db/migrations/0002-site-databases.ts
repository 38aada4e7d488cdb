import { type Kysely, sql } from "kysely";

const statements = [
  // With the site goes the row; by then the deletion of the site has dropped the database itself.
  `create table site_databases (
    site_id integer primary key references sites on delete cascade,
    id uuid not null,
    lifecycle text not null check (lifecycle in ('adding', 'ready', 'deleting', 'failed')),
    password text not null,
    pending_password text,
    hold text not null default 'open' check (hold in ('open', 'read-only', 'closed')),
    bytes bigint,
    measured_at timestamptz,
    created_at timestamptz not null default now()
  )`,
];

/** Databases of sites. */
export const siteDatabases = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};
