import { type Kysely, sql } from "kysely";

// Plain SQL: what a migration made must not change when the types of the code do.
const statements = [
  `create table users (
    id integer generated always as identity primary key,
    username text not null constraint users_username_unique unique,
    password_hash text,
    role text not null check (role in ('administrator', 'member')),
    is_active boolean not null default true,
    epoch integer not null default 0,
    epoch_changed_at timestamptz not null default now(),
    created_at timestamptz not null default now()
  )`,
  `create table sessions (
    id text primary key,
    user_id integer not null references users on delete cascade,
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    expires_at timestamptz not null,
    address text,
    user_agent text
  )`,
  "create index sessions_user on sessions (user_id)",
  "create index sessions_expiry on sessions (expires_at)",
  `create table api_tokens (
    id uuid primary key,
    user_id integer not null references users on delete cascade,
    name text not null,
    secret_hash text not null constraint api_tokens_secret_unique unique,
    scopes text[] not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz
  )`,
  "create index api_tokens_user on api_tokens (user_id)",
  `create table sites (
    id integer generated always as identity primary key,
    name text not null constraint sites_name_unique unique,
    kind text not null check (kind in ('static', 'dynamic')),
    purpose text not null check (purpose in ('user', 'project', 'activity', 'legacy', 'other')),
    description text not null,
    availability text not null default 'enabled' check (availability in ('enabled', 'not-served', 'disabled')),
    availability_reason text not null default '',
    limits jsonb not null,
    settings jsonb not null,
    environment text,
    revision integer not null default 1,
    epoch integer not null default 0,
    epoch_changed_at timestamptz not null default now(),
    route_version bigint not null default 0,
    lifecycle text not null check (lifecycle in ('creating', 'active', 'deleting')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  )`,
  "create index sites_route_version on sites (route_version)",
  "create index sites_epoch_changed on sites (epoch_changed_at)",
  `create table site_members (
    site_id integer not null references sites on delete cascade,
    user_id integer not null references users on delete cascade,
    role text not null check (role in ('owner', 'editor', 'viewer')),
    primary key (site_id, user_id)
  )`,
  "create index site_members_user on site_members (user_id)",
  `create table operations (
    id uuid primary key,
    sequence bigint generated always as identity constraint operations_sequence_unique unique,
    kind text not null,
    site_id integer references sites on delete set null,
    site_name text not null,
    requested_by_id integer references users on delete set null,
    requested_by text,
    input jsonb not null,
    state text not null default 'queued' check (state in ('queued', 'running', 'succeeded', 'failed')),
    failure jsonb,
    lease_owner text,
    due_at timestamptz not null default now(),
    attempt integer not null default 0,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz
  )`,
  // Whatever a claim does wrong, two operations on one site never run at once.
  "create unique index operations_one_running_per_site on operations (site_id) where state = 'running'",
  "create index operations_waiting on operations (site_id, sequence) where state in ('queued', 'running')",
  "create index operations_due on operations (due_at) where state in ('queued', 'running')",
  "create index operations_site on operations (site_id, sequence)",
  `create table operation_steps (
    operation_id uuid not null references operations on delete cascade,
    position integer not null,
    name text not null,
    title text not null,
    state text not null default 'waiting' check (state in ('waiting', 'running', 'succeeded', 'failed')),
    attempt integer not null default 0,
    message text,
    started_at timestamptz,
    finished_at timestamptz,
    primary key (operation_id, position)
  )`,
  // No foreign keys: an entry stays as it was when the person or the site is gone.
  `create table audit_entries (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor_id integer,
    actor_name text,
    door text not null check (door in ('web', 'api', 'cli', 'system')),
    address text,
    action text not null,
    site_id integer,
    site_name text,
    details jsonb not null
  )`,
  "create index audit_entries_site on audit_entries (site_id, id)",
  "create table route_clock (id boolean primary key default true check (id), version bigint not null)",
  "insert into route_clock (version) values (0)",
  "create table removed_routes (site_id integer primary key, version bigint not null)",
  "create index removed_routes_version on removed_routes (version)",
  "create table settings (key text primary key, value text not null)",
  "create table sign_in_attempts (username text not null, address text not null, at timestamptz not null)",
  "create index sign_in_attempts_account on sign_in_attempts (username, at)",
  "create index sign_in_attempts_address on sign_in_attempts (address, at)",
  "create index sign_in_attempts_at on sign_in_attempts (at)",
  "create table familiar_addresses (username text not null, address text not null, at timestamptz not null, primary key (username, address))",
];

/** The tables of the first version. */
export const foundation = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};
