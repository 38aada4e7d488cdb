import { type Kysely, sql } from "kysely";

/**
 * Claims the first that wait where no limit concerns any of them and no lease has ended; a row of nulls says that somebody has to look at more than
 * these. A function, so that its settings hold for it alone: the table grows faster than the planner's numbers of it, and with old ones it would
 * read and sort all that wait instead of taking the first ones from their index.
 */
const statement = `create function claim_unlimited(claimer text, lease_seconds double precision, most integer) returns setof tasks language plpgsql
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
      select tasks.id, tasks.site_name is not null or tasks.script_concurrency is not null or tasks.schedule_id is not null as is_limited
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

/** What waits without limits is claimed in one trip and under no lock. */
export const taskClaims = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql.raw(statement).execute(db);
  },
};
