import { type RawBuilder, sql } from "kysely";
import type { ClaimedTask, Succession, TaskClaim, TaskOutcome, TaskQueue, TaskStart } from "#core/tasks/task-queue.ts";
import { cleanText } from "../clean-text.ts";
import type { Database } from "../database.ts";
import { prepare } from "../prepared.ts";
import { announceWork } from "./announce-tasks.ts";
import { claimTasks, claimUnlimited } from "./claim-tasks.ts";
import { type EndedTask, type EndsWritten, endTasks } from "./end-tasks.ts";
import { Gathered } from "./gathered.ts";

/** How often a claim goes on when all it found was refused. */
const mostRounds = 20;
/** Where limits concern what waits, it is not asked again so soon whether they do. */
const limitedMs = 100;

/** The queue of tasks, in PostgreSQL. Times are the server's, so that the clocks of several workers need not agree. */
export class PostgresTaskQueue implements TaskQueue {
  readonly #db: Database;
  readonly #options: { readonly usesBroker: boolean };
  readonly #ends: Gathered<EndedTask, EndsWritten>;
  #limitedUntil = 0;

  constructor(db: Database, options: { readonly usesBroker: boolean }) {
    this.#db = db;
    this.#options = options;
    this.#ends = new Gathered(async (ended) => {
      const written = await endTasks(db, ended, { ...options, mayClaim: performance.now() >= this.#limitedUntil });
      if (written.isLimited) this.#limitedUntil = performance.now() + limitedMs;
      return written;
    });
  }

  async claim(request: TaskClaim): Promise<readonly ClaimedTask[]> {
    if (performance.now() >= this.#limitedUntil) {
      const claimed = await claimUnlimited(this.#db, request);
      if (claimed !== null) return claimed;
      this.#limitedUntil = performance.now() + limitedMs;
    }
    const all: ClaimedTask[] = [];
    for (let round = 0; round < mostRounds; round++) {
      const rest = { ...request, limit: request.limit - all.length };
      const { claimed, isRepeatable } = await this.#db.transaction().execute((change) => claimTasks(change, rest));
      all.push(...claimed);
      if (!isRepeatable) break;
    }
    return all;
  }

  async renew(
    held: readonly ClaimedTask[],
    request: { readonly leaseMs: number },
  ): Promise<{ readonly lost: readonly string[]; readonly cancelled: readonly string[] }> {
    if (held.length === 0) return { lost: [], cancelled: [] };
    const { rows } = await sql<{ uid: string; isCancelled: boolean }>`
      update tasks set lease_until = ${after(request.leaseMs)}
      from ${listOf(held)} where ${isHeldInList}
      returning tasks.uid, cancel_requested_at is not null as is_cancelled`.execute(this.#db);
    const kept = new Set(rows.map(({ uid }) => uid));
    return {
      lost: held.map(({ uid }) => uid).filter((uid) => !kept.has(uid)),
      cancelled: rows.filter(({ isCancelled }) => isCancelled).map(({ uid }) => uid),
    };
  }

  async started(claim: ClaimedTask, start: TaskStart): Promise<boolean> {
    return this.#change(sql`
      update tasks set is_started = true, started_at = ${start.startedAt}, disk_before_bytes = ${start.diskBeforeBytes}
      from ${hurry} where ${isHeld(claim)} returning uid`);
  }

  async finish(claim: ClaimedTask, outcome: TaskOutcome): Promise<boolean> {
    const { verdict } = outcome;
    if (verdict.kind === "end") return (await this.#end({ claim, outcome, end: verdict })).isWritten;
    const isQueued = await this.#change(
      sql`
      update tasks set state = 'queued', reason = ${cleanText(verdict.reason)}, run_at = ${after(verdict.afterMs)}, ${unclaimed},
        started_at = null, disk_before_bytes = null
      from earlier where tasks.id = earlier.id returning tasks.uid`,
      attemptKept(claim, outcome, verdict.reason),
    );
    if (isQueued) return true;
    const end = { state: "cancelled", reason: "It was cancelled before it was tried again." } as const;
    return (await this.#end({ claim, outcome, end })).isWritten;
  }

  async finishAndClaim(claim: ClaimedTask, outcome: TaskOutcome, request: Omit<TaskClaim, "limit">): Promise<Succession> {
    const { verdict } = outcome;
    if (verdict.kind === "end") return this.#end({ claim, outcome, end: verdict, successor: request });
    return { isWritten: await this.finish(claim, outcome), next: null };
  }

  async release(claim: ClaimedTask, request: { readonly afterMs: number; readonly reason: string }): Promise<boolean> {
    return this.#change(sql`
      update tasks set ${unclaimed}, attempt = attempt - 1, run_at = ${after(request.afterMs)},
        state = case when cancel_requested_at is null then 'queued' else 'cancelled' end,
        finished_at = case when cancel_requested_at is null then null else clock_timestamp() end,
        reason = case when cancel_requested_at is null then ${cleanText(request.reason)} else reason end
      where ${isHeld(claim)} returning uid`);
  }

  async handBack(held: readonly ClaimedTask[]): Promise<void> {
    if (held.length === 0) return;
    const { rows } = await sql<{ uid: string }>`
      update tasks set lease_until = clock_timestamp() from ${listOf(held)} where ${isHeldInList} returning tasks.uid`.execute(this.#db);
    const uids = rows.map(({ uid }) => uid);
    await announceWork(this.#db, uids, this.#options);
  }

  async nextDueMs(): Promise<number | null> {
    const rows = await nextDue(this.#db, []);
    const ms = rows[0]?.ms ?? null;
    return ms === null ? null : Math.max(Math.ceil(ms), 0);
  }

  /** Those that end while an earlier end is being written are written together: each commit waits for the disk. */
  async #end(ended: EndedTask): Promise<Succession> {
    const { uids, claimed } = await this.#ends.add(ended);
    // Each that asked takes one of those that were claimed for all of them.
    const next = ended.successor !== undefined && claimed[0]?.worker === ended.successor.worker ? claimed.shift() : undefined;
    return { isWritten: uids.has(ended.claim.uid), next: next ?? null };
  }

  /** Changes a held task and tells its followers; false when the claim is not the latest any more. */
  async #change(update: RawBuilder<unknown>, before: RawBuilder<unknown> = sql``): Promise<boolean> {
    const { rows } = await sql`with ${before} done as (${update}) select pg_notify('tasks', uid::text) from done`.execute(this.#db);
    return rows.length > 0;
  }
}

// One step through the index for each priority: what is due already, however much it is, is not walked through.
const nextDue = prepare<{ readonly ms: number | null }>(`
  with recursive turns as (
    (select priority from tasks where state = 'queued' order by priority desc limit 1)
    union all
    select (select priority from tasks where state = 'queued' and priority < turns.priority order by priority desc limit 1) from turns where priority is not null)
  select (extract(epoch from least(
    (select min((select run_at from tasks where state = 'queued' and priority = turns.priority and run_at > statement_timestamp() order by run_at limit 1))
      from turns where priority is not null),
    (select min(lease_until) from tasks where state = 'running')
  ) - statement_timestamp()) * 1000)::double precision as ms`);

/** Not worth waiting for the disk at this commit: the result says the same again. */
const hurry = sql`(select set_config('synchronous_commit', 'off', true)) as hurry`;

const unclaimed = sql`lease_until = null, worker = null, is_started = false`;

/** What ended stays as it is: every write is narrowed to a running task whose latest claim this is. */
function isHeld(claim: ClaimedTask) {
  return sql`tasks.id = ${claim.id} and tasks.state = 'running' and tasks.fence = ${claim.fence} and tasks.worker = ${claim.worker}`;
}

function listOf(held: readonly ClaimedTask[]) {
  const [ids, fences, workers] = [held.map(({ id }) => id), held.map(({ fence }) => fence), held.map(({ worker }) => worker)];
  return sql`unnest(${ids}::bigint[], ${fences}::int[], ${workers}::text[]) as held (id, fence, worker)`;
}

const isHeldInList = sql`tasks.id = held.id and tasks.state = 'running' and tasks.fence = held.fence and tasks.worker = held.worker`;

/** The attempt as it ended, kept aside while the task waits for the next one. */
function attemptKept(claim: ClaimedTask, { startedAt, finishedAt, result }: TaskOutcome, reason: string) {
  return sql`
    earlier as (select * from tasks where ${isHeld(claim)} and cancel_requested_at is null for update),
    kept as (
      insert into task_attempts (task_id, attempt, worker, started_at, finished_at, run_end, code, signal, reason, cpu_ms, peak_memory_bytes)
      select id, attempt, worker, coalesce(${startedAt}, started_at), ${finishedAt}::timestamptz, ${result.end}, ${result.code}::int, ${result.signal},
        ${cleanText(reason)}, ${result.cpuMs}::bigint, ${result.peakMemoryBytes}::bigint
      from earlier on conflict do nothing),`;
}

function after(ms: number) {
  return sql<Date>`clock_timestamp() + make_interval(secs => ${ms / 1000}::double precision)`;
}
