import { type RawBuilder, sql } from "kysely";
import { memberRoles } from "#contract/site.ts";
import { verbsFor } from "#core/policy/policy.ts";
import { chooseTasks, type TaskPlace, type WaitingTask } from "#core/tasks/choose-tasks.ts";
import type { ClaimedTask, TaskClaim } from "#core/tasks/task-queue.ts";
import type { Database } from "../database.ts";
import type { Change } from "../notifications.ts";
import { prepare } from "../prepared.ts";
import { lanesOfSite } from "./lane-range.ts";
import { type ClaimRow, claimOf, claimRow, claimRowColumns } from "./task-rows.ts";

/** Claims come one after the other, so that two workers never both take the last place that a limit leaves. Held for a few milliseconds. */
const claimLock = 7_324_002;
/** How many of those that wait are looked at in their order, before lanes are looked at one by one. */
const windowSize = 100;
/** How many tasks of a site that takes none any more are refused at once. */
const refusalBatch = 1000;

/**
 * Settings of the transaction. The tables change faster than the planner's numbers of them: while it thinks that few tasks wait, it would read and sort them
 * all instead of taking the first ones from an index. And the commit does not wait for the disk: a claim that a crash of the server takes back is made
 * again, and asks for the same start.
 */
const forClaims = sql.join(
  ["enable_sort", "enable_bitmapscan", "enable_seqscan", "jit", "synchronous_commit"].map((name) => sql`set_config(${name}, 'off', true)`),
);

interface Candidate extends WaitingTask {
  /** Why its site takes no tasks. */
  readonly refusal: string | null;
  readonly hasRight: boolean;
  readonly isFirstOfSchedule: boolean;
  readonly priority: number;
  readonly runAt: Date;
}
interface RunningTask extends TaskPlace {
  readonly id: number;
  readonly isExpired: boolean;
  readonly worker: string | null;
}

/**
 * Claims the first that wait where no limit concerns any of them (tasks of the home folder, of scripts without a limit) and no lease has ended: one
 * statement, under no lock. Null: somebody has to look at more than these, and nothing was claimed.
 */
export async function claimUnlimited(db: Database, request: TaskClaim): Promise<readonly ClaimedTask[] | null> {
  return claimsOf(await takeUnlimited(db, [request.worker, request.leaseMs / 1000, request.limit]));
}

/** What `claim_unlimited` gave, in its turn; null when it said that somebody has to look. */
export function claimsOf(rows: readonly UnlimitedRow[]): readonly ClaimedTask[] | null {
  const claims = rows.filter((row) => row.id !== null);
  if (rows.length > claims.length) return null;
  const inTurn = claims.toSorted((one, other) => other.priority - one.priority || Number(one.runAt) - Number(other.runAt) || one.id - other.id);
  return inTurn.map((row) => claimOf(row, false));
}

/** A row of `claim_unlimited`: a claim, or of nulls. */
export type UnlimitedRow = ClaimRow | { readonly id: null };

// Nobody is told: whoever follows one of them hears of it when its run has gone on for a moment, or has ended.
const takeUnlimited = prepare<UnlimitedRow>(`
  select ${claimRowColumns} from claim_unlimited($1, $2, $3) as tasks, (select set_config('synchronous_commit', 'off', true)) as hurry`);

/** Claims what may be claimed now. `isRepeatable`: some were refused instead, and there may be more behind them. */
export async function claimTasks(change: Change, request: TaskClaim): Promise<{ readonly claimed: readonly ClaimedTask[]; readonly isRepeatable: boolean }> {
  await sql`select pg_advisory_xact_lock(${claimLock}), ${forClaims}`.execute(change);
  const { running, first } = await look(change);
  const expired = running.filter(({ isExpired }) => isExpired).map(({ id }) => id);
  const left = expired.slice(0, request.limit);
  const { perSite, perPerson = Number.POSITIVE_INFINITY, ofMembers = Number.POSITIVE_INFINITY } = request;
  const held = running.filter(({ worker, personId, isExpired }) => worker === request.worker && personId !== null && !isExpired).length;
  const limits = { limit: request.limit - left.length, perSite, perPerson, ofMembers: ofMembers - held };
  if (limits.limit === 0) return { claimed: await take(change, request, { left, chosen: [] }), isRepeatable: false };
  let chosen = chooseTasks(first.filter(isAllowed), running, limits);
  let refused = first.filter(isRefused);
  if (chosen.length < limits.limit && first.length === windowSize) {
    const heads = await waitingByLane(change, limits.limit);
    chosen = chooseTasks(heads.filter(isAllowed), running, limits);
    refused = [...refused, ...heads.filter(isRefused)];
  }
  await refuse(change, refused);
  return { claimed: await take(change, request, { left, chosen }), isRepeatable: refused.length > 0 && chosen.length < limits.limit };
}

const isFirstOfSchedule = sql`(tasks.schedule_id is null or not exists (
  select from tasks as earlier
  where earlier.schedule_id = tasks.schedule_id and earlier.id < tasks.id and earlier.state in ('queued', 'running')))`;

/** On whose behalf it runs; of a schedule, whoever set it. */
const behalf = sql`coalesce(tasks.created_by_id, (select schedules.created_by_id from schedules where schedules.id = tasks.schedule_id))`;
/** Members who may run tasks in an enabled site. */
const runningRoles = memberRoles.filter((memberRole) => verbsFor({ userRole: "member", memberRole, availability: "enabled" }).includes("site.tasks"));
/**
 * Whether the person on whose behalf it runs still may: it may have waited for months. In the home folder only administrators may. What nobody queued (the open
 * API of the original, a schedule that is gone) needs nobody's right. Subqueries that give one value, and not `exists`: these are never made into a table of everybody.
 */
const mayStillRun = sql<boolean>`
  coalesce((
    select users.is_active and (users.role = 'administrator' or coalesce((
      select member.role = any(${runningRoles}::text[]) from site_members as member
      where member.site_id = tasks.site_id and member.user_id = users.id), false))
    from users where users.id = ${behalf}), tasks.created_by is null)`;
/** What ends a task whose right has ended. */
const rightEnded = "The person on whose behalf it was to run may not run tasks here any more. Run it again to run it on yours.";
/** Where nobody is known the site counts as a person of its own. */
const person = sql`
  case when tasks.site_name is null or exists (select from users where users.id = ${behalf} and users.role = 'administrator') then null
    else coalesce(${behalf}, -tasks.site_id) end as person_id`;

const candidate = sql`
  ${person}, tasks.id, tasks.site_id, tasks.script, tasks.script_concurrency, tasks.priority, tasks.run_at,
  case when tasks.site_name is null then null
    when sites.id is null then 'Its site is gone.'
    when sites.lifecycle = 'deleting' then 'Its site is being deleted.'
    when sites.availability = 'disabled' then 'Its site was disabled.' end as refusal,
  ${mayStillRun} as has_right,
  ${isFirstOfSchedule} as is_first_of_schedule`;

/** What runs, and the first of those that wait, in one statement: both are of one moment. */
async function look(change: Change): Promise<{ readonly running: readonly RunningTask[]; readonly first: readonly Candidate[] }> {
  const { rows } = await sql<(RunningTask & { readonly isRunning: true }) | (Candidate & { readonly isRunning: false })>`
    select true as is_running, lease_until <= statement_timestamp() as is_expired, worker, ${person}, id, site_id, script, null::int as script_concurrency,
      0 as priority, run_at, null as refusal, true as has_right, true as is_first_of_schedule
      from tasks where state = 'running'
    union all
    select false, false, null, ${candidate}
      from (
        select * from tasks where state = 'queued' and run_at <= statement_timestamp() order by priority desc, run_at, id limit ${windowSize}
      ) as tasks left join sites on sites.id = tasks.site_id`.execute(change);
  return { running: rows.filter((row) => row.isRunning), first: rows.filter((row) => !row.isRunning).toSorted(byTurn) };
}

/** Higher priority first, then who has waited longest. */
function byTurn(one: Candidate, other: Candidate): number {
  return other.priority - one.priority || one.runAt.getTime() - other.runAt.getTime() || one.id - other.id;
}

/**
 * The first of each lane and priority. However many wait in a lane that is full, it costs one step through the index: ten thousand tasks
 * of a script that runs once at a time do not hold up the others.
 */
async function waitingByLane(change: Change, limit: number): Promise<readonly Candidate[]> {
  const { rows } = await sql<Candidate>`
    with recursive steps as (
      (select lane, -priority as turn from tasks where state = 'queued' order by lane, -priority limit 1)
      union all
      select next.lane, next.turn from steps cross join lateral (
        (select lane, -priority as turn from tasks where state = 'queued' and lane = steps.lane and -priority > steps.turn order by lane, -priority limit 1)
        union all
        (select lane, -priority as turn from tasks where state = 'queued' and lane > steps.lane order by lane, -priority limit 1)
        limit 1
      ) as next
    )
    select ${candidate}
    from steps cross join lateral (
      select * from tasks
      where state = 'queued' and lane = steps.lane and -priority = steps.turn and run_at <= statement_timestamp() and ${isFirstOfSchedule}
      order by run_at, id limit ${limit}
    ) as tasks left join sites on sites.id = tasks.site_id`.execute(change);
  return rows.toSorted(byTurn);
}

/** Tasks of one schedule go one after another: no earlier one waits or runs. */
function isAllowed(candidate: Candidate): boolean {
  return !isRefused(candidate) && candidate.isFirstOfSchedule;
}

function isRefused({ refusal, hasRight }: Candidate): boolean {
  return refusal !== null || !hasRight;
}

/** Ends all that waits in sites that take no tasks any more, and what is due of people whose right has ended: a later task may find that they have it again. */
async function refuse(change: Change, refused: readonly Candidate[]): Promise<void> {
  const ofSites = refused.filter(({ refusal }) => refusal !== null);
  const reasons = new Map(ofSites.map(({ siteId, refusal }) => [siteId, refusal]));
  for (const [siteId, reason] of reasons) await reject(change, reason, sql`${lanesOfSite(siteId)} limit ${refusalBatch}`);
  const ids = refused.filter(({ refusal }) => refusal === null).map(({ id }) => id);
  if (ids.length > 0) await reject(change, rightEnded, sql`id = any(${ids}::bigint[])`);
}

async function reject(change: Change, reason: string | null, which: RawBuilder<unknown>): Promise<void> {
  await sql`
    with done as (
      update tasks set state = 'rejected', reason = ${reason}, finished_at = clock_timestamp()
      where id in (select id from tasks where state = 'queued' and ${which} for update skip locked)
      returning uid)
    select pg_notify('tasks', uid::text) from done`.execute(change);
}

/** Makes the tasks this worker's. A row that somebody changes at this moment (to cancel it) is left for the next claim. */
async function take(
  change: Change,
  request: TaskClaim,
  { left, chosen }: { readonly left: readonly number[]; readonly chosen: readonly number[] },
): Promise<readonly ClaimedTask[]> {
  const ids = [...left, ...chosen];
  if (ids.length === 0) return [];
  const { rows } = await sql<ClaimRow>`
    with taken as (
      update tasks set state = 'running', worker = ${request.worker}, fence = fence + 1,
        lease_until = clock_timestamp() + make_interval(secs => ${request.leaseMs / 1000}::double precision),
        attempt = case state when 'queued' then attempt + 1 else attempt end,
        reason = case state when 'queued' then null else reason end
      where id in (
        select id from tasks where id = any(${ids}::bigint[])
          and (state = 'queued' or state = 'running' and lease_until <= statement_timestamp()) for update skip locked)
      returning ${claimRow})
    select *, pg_notify('tasks', uid::text) as told from taken`.execute(change);
  const byId = new Map(rows.map((row) => [row.id, claimOf(row, left.includes(row.id))]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}
