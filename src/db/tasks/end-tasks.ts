import type { ClaimedTask, TaskClaim, TaskOutcome, TaskVerdict } from "#core/tasks/task-queue.ts";
import { cleanText } from "../clean-text.ts";
import type { Database } from "../database.ts";
import { prepare } from "../prepared.ts";
import { claimsOf, type UnlimitedRow } from "./claim-tasks.ts";
import { claimRowColumns } from "./task-rows.ts";

/** A held task whose last attempt has ended. */
export interface EndedTask {
  readonly claim: ClaimedTask;
  readonly outcome: Omit<TaskOutcome, "verdict">;
  readonly end: Pick<Extract<TaskVerdict, { kind: "end" }>, "state" | "reason">;
  /** For whom one that waits is to be claimed in its place. */
  readonly successor?: Pick<TaskClaim, "worker" | "leaseMs">;
}

/** What came of ends. */
export interface EndsWritten {
  /** Of those that it ended. */
  readonly uids: ReadonlySet<string>;
  /** For those who asked for a successor: each takes the first that is left. */
  readonly claimed: ClaimedTask[];
  /** Limits concern what waits: nothing was claimed, and one has to look. */
  readonly isLimited: boolean;
}

/**
 * Ends all of these that are still held, in one statement, and tells whoever may wait for their places; claims as many as successors are asked for by
 * the first worker that asks (a queue has one), if that needs no look at limits.
 */
export async function endTasks(
  db: Database,
  ended: readonly EndedTask[],
  options: { readonly usesBroker: boolean; readonly mayClaim: boolean },
): Promise<EndsWritten> {
  const values = [JSON.stringify(ended.map(rowOf)), ended.map(({ claim }) => claim.id)];
  const asking = options.mayClaim ? ended.find(({ successor }) => successor !== undefined)?.successor : undefined;
  if (asking === undefined) {
    const rows = await (options.usesBroker ? endAndSend : end)(db, values);
    return { uids: new Set(rows.map(({ uid }) => uid)), claimed: [], isLimited: false };
  }
  const most = ended.filter(({ successor }) => successor?.worker === asking.worker).length;
  const rows = await (options.usesBroker ? endSendAndClaim : endAndClaim)(db, [...values, asking.worker, asking.leaseMs / 1000, most]);
  const uids = new Set(rows.flatMap(({ endedUid }) => endedUid ?? []));
  const claimed = claimsOf(rows.filter(({ endedUid }) => endedUid === null));
  return { uids, claimed: [...(claimed ?? [])], isLimited: claimed === null };
}

/** Whether something waits in the lanes under a prefix (see `laneRange`). */
const waits = (prefix: string) =>
  `exists (select from tasks as next where next.state = 'queued' and next.lane >= ${prefix} || '/' and next.lane < ${prefix} || '0')`;

/**
 * A place that became free may be what others wait for: their workers, too, are to hear of it. Those of the same site, of the same script and of
 * the same schedule may share a limit with it.
 */
const endsWith = (more: string) => `
    with ended as (
      select * from json_to_recordset($1::json) as given (
        id bigint, fence int, worker text, state text, reason text, started_at timestamptz, finished_at timestamptz, run_end text, code int, signal text,
        disk_before_bytes bigint, disk_after_bytes bigint, cpu_ms bigint, peak_memory_bytes bigint, stdout_bytes bigint, stderr_bytes bigint, is_output_cut boolean)),
    done as (
      -- Why it was cancelled may have been written down when somebody asked for that.
      update tasks set state = ended.state, reason = coalesce(ended.reason, case ended.state when 'cancelled' then tasks.reason end),
        lease_until = null, started_at = coalesce(ended.started_at, tasks.started_at), finished_at = ended.finished_at,
        run_end = ended.run_end, code = ended.code, signal = ended.signal,
        disk_before_bytes = coalesce(ended.disk_before_bytes, tasks.disk_before_bytes), disk_after_bytes = ended.disk_after_bytes,
        cpu_ms = ended.cpu_ms, peak_memory_bytes = ended.peak_memory_bytes,
        stdout_bytes = ended.stdout_bytes, stderr_bytes = ended.stderr_bytes, is_output_cut = ended.is_output_cut
      from ended
      -- The numbers once more: the planner takes JSON for a hundred rows, and would read the whole table for one.
      where tasks.id = any ($2::bigint[]) and tasks.id = ended.id and tasks.state = 'running' and tasks.fence = ended.fence and tasks.worker = ended.worker
      returning tasks.uid, tasks.site_id, tasks.script_concurrency, tasks.schedule_id, tasks.lane),
    freed as (
      select uid from done where
        site_id is not null and ${waits("site_id")}
        or script_concurrency is not null and ${waits("split_part(lane, '/', 1) || '/' || split_part(lane, '/', 2)")}
        or schedule_id is not null and ${waits("substring(lane from '^[^/]*/[^/]*/[^/]*')")}),
    told as (select pg_notify('tasks', '') from freed)
    ${more}`;
const sent = ", sent as (insert into task_outbox (uid) select uid from freed)";

const told = "select uid, pg_notify('tasks', uid::text), (select count(*) from told) from done";
const end = prepare<{ readonly uid: string }>(`${endsWith("")} ${told}`);
const endAndSend = prepare<{ readonly uid: string }>(`${endsWith(sent)} ${told}`);

// Counting what ended comes before claiming: whoever waits for the row of one that ends (somebody may be cancelling it) holds no other meanwhile.
const toldAndClaimed = `,
    said as (select pg_notify('tasks', uid::text) from done),
    claimed as (select ${claimRowColumns} from claim_unlimited($3, $4, ($5 + 0 * (select count(*) from done))::int) as tasks)
    select done.uid as ended_uid, claimed.*, (select count(*) from said) as said, (select count(*) from told) as told from done full join claimed on false`;
type EndedOrClaimed = UnlimitedRow & { readonly endedUid: string | null };
const endAndClaim = prepare<EndedOrClaimed>(`${endsWith("")} ${toldAndClaimed}`);
const endSendAndClaim = prepare<EndedOrClaimed>(`${endsWith(sent)} ${toldAndClaimed}`);

function rowOf({ claim, outcome, end }: EndedTask) {
  const { startedAt, finishedAt, result } = outcome;
  const { diskBeforeBytes, diskAfterBytes, cpuMs, peakMemoryBytes, stdoutBytes, stderrBytes, isOutputCut } = result;
  return {
    ...{ id: claim.id, fence: claim.fence, worker: claim.worker, state: end.state, reason: end.reason === null ? null : cleanText(end.reason) },
    ...{ started_at: startedAt, finished_at: finishedAt, run_end: result.end, code: result.code, signal: result.signal },
    ...{ disk_before_bytes: diskBeforeBytes, disk_after_bytes: diskAfterBytes, cpu_ms: cpuMs, peak_memory_bytes: peakMemoryBytes },
    ...{ stdout_bytes: stdoutBytes, stderr_bytes: stderrBytes, is_output_cut: isOutputCut },
  };
}
