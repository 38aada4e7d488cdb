import type { ScheduleView } from "#contract/api/schedules.ts";
import type { TaskView } from "#contract/api/tasks.ts";
import { defaultRunLimits } from "#contract/task.ts";

const at = "2025-01-02T03:04:05.000Z";
export const taskUid = "0198c3a4-0000-4000-8000-000000000007";
export const scheduleId = "0198c3a4-0000-4000-8000-000000000008";

/** A task as the API shows one. */
export function taskViewOf(over: Partial<TaskView> = {}): TaskView {
  return {
    id: 1,
    uid: taskUid,
    state: "queued",
    reason: null,
    site: null,
    script: "touch.sh",
    command: null,
    arguments: [],
    environment: [],
    priority: 0,
    retry: { retries: 0, delaySeconds: 10, onLost: "fail" },
    limits: defaultRunLimits,
    attempt: 1,
    createdBy: "ann",
    schedule: null,
    rerunOf: null,
    createdAt: at,
    runAt: at,
    startedAt: null,
    finishedAt: null,
    isCancelRequested: false,
    end: null,
    code: null,
    signal: null,
    diskBeforeBytes: null,
    diskAfterBytes: null,
    cpuMs: null,
    peakMemoryBytes: null,
    stdoutBytes: 0,
    stderrBytes: 0,
    isOutputCut: false,
    you: { mayControl: true },
    ...over,
  };
}

/** A schedule as the API shows one. */
export function scheduleViewOf(over: Partial<ScheduleView> = {}): ScheduleView {
  return {
    id: scheduleId,
    name: "nightly",
    site: "chess",
    cron: "30 5 * * 1",
    timeZone: "UTC",
    overlap: "skip",
    catchUp: "last",
    isPaused: false,
    problem: null,
    task: { script: "backup.sh", site: "chess", arguments: [] },
    nextRuns: ["2025-01-06T05:30:00.000Z"],
    lastRun: null,
    createdBy: "ann",
    createdAt: at,
    you: { mayControl: true },
    ...over,
  };
}
