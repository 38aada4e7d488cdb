import { type Kysely, sql } from "kysely";

/**
 * As in 0011, and a limit also concerns what was queued by somebody who is no active administrator any more: whoever looks refuses it. The subquery gives one
 * value and is no `exists`, which the planner may make into a table of everybody.
 */
const statement = `create or replace function claim_unlimited(claimer text, lease_seconds double precision, most integer) returns setof tasks language plpgsql
  set enable_sort = off set enable_bitmapscan = off set enable_seqscan = off set jit = off as $$
  declare
    ids bigint[];
    is_limited boolean;
  begin
    if exists (select from tasks where state = 'running' and lease_until <= statement_timestamp()) then
      return next null::tasks;
      return;
    end if;
    select array_agg(first.id), bool_or(first.is_limited) into ids, is_limited from (
      select tasks.id, tasks.site_name is not null or tasks.script_concurrency is not null or tasks.schedule_id is not null
        or tasks.created_by is not null and not coalesce((
          select users.is_active and users.role = 'administrator' from users where users.id = tasks.created_by_id), false) as is_limited
      from tasks where tasks.state = 'queued' and tasks.run_at <= statement_timestamp()
      order by tasks.priority desc, tasks.run_at, tasks.id limit most for update skip locked) as first;
    if is_limited then
      return next null::tasks;
      return;
    end if;
    return query
      update tasks set state = 'running', worker = claimer, fence = tasks.fence + 1, attempt = tasks.attempt + 1, reason = null,
        lease_until = clock_timestamp() + make_interval(secs => lease_seconds)
      where tasks.id = any (ids) returning tasks.*;
  end $$`;

/** Work that was queued does not outlive the right to it. */
export const taskRights = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql.raw(statement).execute(db);
  },
};
