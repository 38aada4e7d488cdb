import type { Generated, GeneratedAlways, JSONColumnType } from "kysely";
import type { TaskBody } from "#contract/api/tasks.ts";
import type { RunProgram } from "#contract/internal/runs.ts";
import type { RetryPolicy, RunEnd, RunLimits, TaskState } from "#contract/task.ts";
import type { CatchUpPolicy, OverlapPolicy } from "#core/schedules/schedule.ts";
import type { LegacyRequest } from "#core/tasks/task.ts";

export interface ScheduleTable {
  id: string;
  name: string;
  siteId: number | null;
  cron: string;
  timeZone: string;
  overlap: OverlapPolicy;
  catchUp: CatchUpPolicy;
  isPaused: Generated<boolean>;
  task: JSONColumnType<TaskBody>;
  sealedEnvironment: string | null;
  createdById: number | null;
  createdAt: Generated<Date>;
  nextAt: Date | null;
  problem: string | null;
  leaseUntil: Date | null;
  fence: Generated<number>;
}

export interface TaskTable {
  id: GeneratedAlways<number>;
  uid: string;
  state: Generated<TaskState>;
  reason: string | null;
  siteId: number | null;
  /** Set with a site, and kept when it is gone: a task of the home folder has neither. */
  siteName: string | null;
  program: JSONColumnType<RunProgram>;
  script: string | null;
  arguments: JSONColumnType<readonly string[]>;
  legacy: JSONColumnType<LegacyRequest> | null;
  sealedEnvironment: string | null;
  environmentNames: Generated<string[]>;
  priority: Generated<number>;
  retry: JSONColumnType<RetryPolicy>;
  limits: JSONColumnType<RunLimits>;
  scriptConcurrency: number | null;
  createdById: number | null;
  createdBy: string | null;
  scheduleId: string | null;
  scheduleName: string | null;
  rerunOf: string | null;
  idempotencyKey: string | null;
  createdAt: Generated<Date>;
  runAt: Generated<Date>;
  attempt: Generated<number>;
  fence: Generated<number>;
  worker: string | null;
  leaseUntil: Date | null;
  isStarted: Generated<boolean>;
  cancelRequestedAt: Date | null;
  startedAt: Date | null;
  finishedAt: Date | null;
  runEnd: RunEnd | null;
  code: number | null;
  signal: string | null;
  diskBeforeBytes: number | null;
  diskAfterBytes: number | null;
  cpuMs: number | null;
  peakMemoryBytes: number | null;
  stdoutBytes: Generated<number>;
  stderrBytes: Generated<number>;
  isOutputCut: Generated<boolean>;
  lane: GeneratedAlways<string>;
}

export interface TaskAttemptTable {
  taskId: number;
  attempt: number;
  worker: string | null;
  startedAt: Date | null;
  finishedAt: Date;
  runEnd: RunEnd;
  code: number | null;
  signal: string | null;
  reason: string | null;
  cpuMs: number | null;
  peakMemoryBytes: number | null;
}

export interface TaskKeyTable {
  userId: number;
  key: string;
  taskId: number;
  requestHash: string;
  createdAt: Generated<Date>;
}

export interface TaskOutboxTable {
  id: GeneratedAlways<number>;
  uid: string;
  createdAt: Generated<Date>;
  attempts: Generated<number>;
  dueAt: Generated<Date>;
}
