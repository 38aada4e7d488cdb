import type { SiteLimits } from "#contract/site.ts";
import type { TaskState } from "#contract/task.ts";
import type { Task, TaskResult } from "./task.ts";

/** A task that one worker holds. `fence` grows with each claim: whoever claims it later has a higher one, and the earlier loses every write. */
export interface ClaimedTask extends Task {
  readonly fence: number;
  /** Whose claim it is; part of the fence. */
  readonly worker: string;
  /** Sealed JSON of name → value; null for none. */
  readonly sealedEnvironment: string | null;
  /**
   * The orchestrator has answered for this attempt already: this claim follows the run, and must never start it anew. Otherwise the run is
   * put again under the same attempt, which starts it only if the orchestrator has not.
   */
  readonly isStarted: boolean;
  /** An earlier claim of this attempt was not brought to an end: its worker may have asked the orchestrator to start it. */
  readonly isTakenOver: boolean;
  /** What its site may use, which bounds what the task may; null for the home folder. */
  readonly siteLimits: SiteLimits | null;
}

/** What a claim may take. */
export interface TaskClaim {
  readonly worker: string;
  readonly leaseMs: number;
  readonly limit: number;
  /** The most tasks that run at once in one site. */
  readonly perSite: number;
  /** The most tasks that run at once in sites on behalf of one member; without it as many as there is room for. */
  readonly perPerson?: number;
  /** The most tasks on behalf of members that this worker holds at once; without it as many as there is room for. */
  readonly ofMembers?: number;
}

/** What was learnt about a run's start. */
export interface TaskStart {
  readonly startedAt: Date;
  readonly diskBeforeBytes: number | null;
}

/** What becomes of a held task when its attempt has ended. */
export type TaskVerdict =
  | { readonly kind: "end"; readonly state: Exclude<TaskState, "queued" | "running">; readonly reason: string | null }
  /** Queued once more, as the next attempt. */
  | { readonly kind: "retry"; readonly afterMs: number; readonly reason: string };

/** How an attempt ended, and what follows. */
export interface TaskOutcome {
  /** Null when it never started, or nobody can tell; what `started` wrote stays then. */
  readonly startedAt: Date | null;
  /** The run's own end. */
  readonly finishedAt: Date;
  readonly result: TaskResult;
  readonly verdict: TaskVerdict;
}

/** What came of an end that was written, and what was claimed with it. */
export interface Succession {
  /** Whether the end was written; false when the task is another's. */
  readonly isWritten: boolean;
  /** Null says nothing of what waits. */
  readonly next: ClaimedTask | null;
}

/** The queue of tasks, for workers. Times are the database server's. A write with an old fence answers false and changes nothing. */
export interface TaskQueue {
  /**
   * Running tasks whose lease has expired first (same attempt), then waiting ones that are due: by priority, then by time, as far as the
   * limits per script and site allow. A queued one that is claimed gets the next attempt number. Tasks of one schedule go one after another:
   * none is claimed while an earlier one (a lower id, `schedule_id` the same) is queued or running.
   */
  claim(request: TaskClaim): Promise<readonly ClaimedTask[]>;
  /** Keeps the leases of all that a worker holds, in one statement; gives the uids that it does not hold any more, and those to be cancelled. */
  renew(
    held: readonly ClaimedTask[],
    request: { readonly leaseMs: number },
  ): Promise<{ readonly lost: readonly string[]; readonly cancelled: readonly string[] }>;
  started(claim: ClaimedTask, start: TaskStart): Promise<boolean>;
  /** Writes the attempt's result and what follows from it. A task that was to be cancelled is not queued again, but ends as cancelled. */
  finish(claim: ClaimedTask, outcome: TaskOutcome): Promise<boolean>;
  /**
   * As `finish`, and claims one that waits in place of what ended, in the same statement, where no limit has to be looked at for that: each task then
   * costs one trip to the database instead of two.
   */
  finishAndClaim(claim: ClaimedTask, outcome: TaskOutcome, request: Omit<TaskClaim, "limit">): Promise<Succession>;
  /** Gives back a task whose run was certainly not started (the machine was full, the orchestrator away): queued again under the same number of starts. */
  release(claim: ClaimedTask, request: { readonly afterMs: number; readonly reason: string }): Promise<boolean>;
  /** Ends the leases of tasks whose runs go on, so that another worker follows them at once. */
  handBack(held: readonly ClaimedTask[]): Promise<void>;
  /** Milliseconds until something falls due or a lease expires; null when nothing does. Blocked by a limit does not count. */
  nextDueMs(): Promise<number | null>;
}
