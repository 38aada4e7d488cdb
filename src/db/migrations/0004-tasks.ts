import { type Kysely, sql } from "kysely";

const statements = [
  `create table schedules (
    id uuid primary key,
    name text not null,
    site_id integer references sites on delete cascade,
    cron text not null,
    time_zone text not null,
    overlap text not null check (overlap in ('queue', 'skip', 'replace')),
    catch_up text not null check (catch_up in ('none', 'last', 'all')),
    is_paused boolean not null default false,
    task json not null,
    sealed_environment text,
    created_by_id integer references users on delete set null,
    created_at timestamptz not null default now(),
    -- When it falls due; null while it is paused or has no moment left.
    next_at timestamptz,
    problem text,
    -- Held by a scheduler until then, or not to be tried before; and how often it was claimed or changed: the fence of every write.
    lease_until timestamptz,
    fence integer not null default 0
  )`,
  "create index schedules_due on schedules (next_at) where next_at is not null and not is_paused",
  "create index schedules_site on schedules (site_id)",
  `create table tasks (
    id bigint generated always as identity primary key,
    uid uuid not null constraint tasks_uid_unique unique,
    state text not null default 'queued'
      check (state in ('queued', 'running', 'succeeded', 'failed', 'timed-out', 'cancelled', 'lost', 'rejected')),
    reason text,
    site_id integer references sites on delete set null,
    -- The name that the site had: what was done there stays readable when it is gone.
    site_name text,
    -- json, not jsonb, throughout: it keeps the order of names.
    program json not null,
    -- The script's path, or null for a command: what limits and filters ask for.
    script text,
    arguments json not null,
    legacy json,
    sealed_environment text,
    environment_names text[] not null default '{}',
    priority integer not null default 0,
    retry json not null,
    limits json not null,
    script_concurrency integer,
    created_by_id integer references users on delete set null,
    created_by text,
    schedule_id uuid references schedules on delete set null,
    schedule_name text,
    rerun_of uuid,
    idempotency_key text,
    created_at timestamptz not null default clock_timestamp(),
    run_at timestamptz not null default clock_timestamp(),
    -- How often it was to be started, and how often it was claimed: the number that starts carry, and the fence of every write.
    attempt integer not null default 0,
    fence integer not null default 0,
    worker text,
    lease_until timestamptz,
    is_started boolean not null default false,
    cancel_requested_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    run_end text,
    code integer,
    signal text,
    disk_before_bytes bigint,
    disk_after_bytes bigint,
    cpu_ms bigint,
    peak_memory_bytes bigint,
    stdout_bytes bigint not null default 0,
    stderr_bytes bigint not null default 0,
    is_output_cut boolean not null default false,
    -- Tasks that share their limits: what is claimed skips a whole lane that is full, however long it is. A path may be longer than an index takes.
    lane text collate "C" not null generated always as (
      coalesce(site_id::text, case when site_name is null then '' else '?' end) || '/' || coalesce(script_concurrency::text || '-' || md5(script), '')
        || '/' || coalesce(schedule_id::text, '') || '/' || coalesce(created_by_id::text, '')
    ) stored
  )`,
  "create index tasks_waiting on tasks (priority desc, run_at, id) where state = 'queued'",
  // Not by the priority itself: the planner would take one of these two for the other, and walk through all that wait.
  "create index tasks_lane on tasks (lane, (-priority), run_at, id) where state = 'queued'",
  "create index tasks_running on tasks (lease_until) where state = 'running'",
  "create index tasks_created on tasks (created_at)",
  "create index tasks_finished on tasks (finished_at) where finished_at is not null",
  "create index tasks_state on tasks (state, id)",
  "create index tasks_script on tasks (md5(script), id)",
  "create index tasks_site on tasks (site_id, id)",
  "create index tasks_schedule on tasks (schedule_id, id) where schedule_id is not null",
  "create index tasks_schedule_open on tasks (schedule_id, id) where schedule_id is not null and state in ('queued', 'running')",
  // An attempt that was followed by another one.
  `create table task_attempts (
    task_id bigint not null references tasks on delete cascade,
    attempt integer not null,
    worker text,
    started_at timestamptz,
    finished_at timestamptz not null,
    run_end text not null,
    code integer,
    signal text,
    primary key (task_id, attempt)
  )`,
  `create table task_keys (
    user_id integer not null references users on delete cascade,
    key text not null,
    task_id bigint not null references tasks on delete cascade,
    request_hash text not null,
    created_at timestamptz not null default now(),
    primary key (user_id, key)
  )`,
  "create index task_keys_age on task_keys (created_at)",
  // Messages that the broker has not confirmed yet.
  `create table task_outbox (
    id bigint generated always as identity primary key,
    uid uuid not null,
    created_at timestamptz not null default now(),
    attempts integer not null default 0,
    due_at timestamptz not null default now()
  )`,
  "create index task_outbox_due on task_outbox (due_at, id)",
];

/** Tasks, schedules, and the messages that announce them. */
export const tasks = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};
