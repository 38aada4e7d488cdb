import type { RunProgram } from "#contract/internal/runs.ts";
import type { RetryPolicy, RunEnd, RunLimits, TaskState } from "#contract/task.ts";

/** What the original's clients sent, kept to be shown to them as they sent it. */
export interface LegacyRequest {
  readonly script: string;
  /** The members of `arguments` in the order in which they came: a JSON object would put number-like names first. */
  readonly arguments: readonly (readonly [name: string, value: unknown])[];
}

/** What became of a run. */
export interface TaskResult {
  readonly end: RunEnd;
  /** Null when a signal ended it, and when nobody can tell. */
  readonly code: number | null;
  readonly signal: string | null;
  /** Bytes. */
  readonly diskBeforeBytes: number | null;
  readonly diskAfterBytes: number | null;
  readonly cpuMs: number | null;
  readonly peakMemoryBytes: number | null;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly isOutputCut: boolean;
}

/** A task: a script or command that runs once, or again as its retry policy says. */
export interface Task {
  /** Counts up; the original's primary key. */
  readonly id: number;
  readonly uid: string;
  readonly state: TaskState;
  /** Why it is in this state, in plain words. */
  readonly reason: string | null;
  readonly site: { readonly id: number | null; readonly name: string } | null;
  readonly program: RunProgram;
  readonly arguments: readonly string[];
  readonly legacy: LegacyRequest | null;
  readonly environmentNames: readonly string[];
  readonly priority: number;
  readonly retry: RetryPolicy;
  readonly limits: RunLimits;
  readonly attempt: number;
  readonly createdBy: { readonly id: number | null; readonly username: string } | null;
  readonly schedule: { readonly id: string; readonly name: string } | null;
  readonly rerunOf: string | null;
  readonly idempotencyKey: string | null;
  readonly createdAt: Date;
  /** Not before. */
  readonly runAt: Date;
  /** Of the last attempt. */
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly cancelRequestedAt: Date | null;
  /** Null until the last attempt has ended. */
  readonly result: TaskResult | null;
}

/** How an attempt ended that was followed by another one. */
export interface EarlierAttempt {
  readonly attempt: number;
  readonly startedAt: Date | null;
  readonly finishedAt: Date;
  readonly end: RunEnd;
  readonly code: number | null;
  readonly signal: string | null;
  /** Why it was tried again, in plain words; null where an older version kept none. */
  readonly reason: string | null;
  readonly cpuMs: number | null;
  readonly peakMemoryBytes: number | null;
}

/** Everything a new task needs. */
export interface NewTask {
  readonly uid: string;
  readonly siteId: number | null;
  readonly program: RunProgram;
  readonly arguments: readonly string[];
  readonly legacy: LegacyRequest | null;
  /** Sealed JSON of name → value; null for none. */
  readonly sealedEnvironment: string | null;
  readonly environmentNames: readonly string[];
  readonly priority: number;
  readonly retry: RetryPolicy;
  readonly limits: RunLimits;
  /** The most tasks with the same script (in the same place) that run at once; null for no limit. */
  readonly scriptConcurrency: number | null;
  /** Null for a schedule's task and for clients of the original that are let in without a name. */
  readonly createdById: number | null;
  readonly scheduleId: string | null;
  readonly rerunOf: string | null;
  readonly idempotencyKey: string | null;
  /** Null: now. */
  readonly runAt: Date | null;
}
