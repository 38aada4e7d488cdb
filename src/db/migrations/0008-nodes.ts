import { type Kysely, sql } from "kysely";

const statements = [
  // No foreign keys from sites: an orchestrator may be forgotten, and a heartbeat must not wait for a site's row.
  `create table nodes (
    id text primary key,
    number integer generated always as identity,
    kind text not null check (kind in ('orchestrator', 'router', 'manager', 'worker')),
    host text not null,
    url text,
    version text not null,
    report jsonb,
    is_drained boolean not null default false,
    first_seen_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now()
  )`,
  // Null: the first orchestrator that there was, which is what every site from before this had.
  "alter table sites add column node_id text, add column placement integer not null default 0, add column is_taken_over boolean not null default false",
  "create index sites_node on sites (node_id, id)",
  // Only of runs that were not given to the first orchestrator: an installation with one writes none.
  `create table run_places (
    uid uuid not null,
    attempt integer not null,
    node_id text not null,
    primary key (uid, attempt)
  )`,
];

/** Which processes there are, and which orchestrator is responsible for a site. */
export const nodes = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};
