import { randomUUID } from "node:crypto";
import { defaultRunLimits } from "#contract/task.ts";
import type { NewTask, Task, TaskResult } from "#core/tasks/task.ts";
import type { ClaimedTask, TaskOutcome, TaskVerdict } from "#core/tasks/task-queue.ts";
import type { StoreContext } from "./store-builders.ts";

export const manyTasks = { maxWaiting: 100_000 };

/** A task of the home folder with whatever the test cares about. */
export function newTask(changes: Partial<NewTask> & { readonly script?: string } = {}): NewTask {
  const { script = "ls.sh", ...rest } = changes;
  return {
    uid: randomUUID(),
    siteId: null,
    program: { kind: "script", path: script },
    arguments: [],
    legacy: null,
    sealedEnvironment: null,
    environmentNames: [],
    priority: 0,
    retry: { retries: 0, delaySeconds: 10, onLost: "fail" },
    limits: defaultRunLimits,
    scriptConcurrency: null,
    createdById: null,
    scheduleId: null,
    rerunOf: null,
    idempotencyKey: null,
    runAt: null,
    ...rest,
  };
}

export async function queueTask({ stores }: StoreContext, changes: Parameters<typeof newTask>[0] = {}): Promise<Task> {
  return (await stores.tasks.create(newTask(changes), manyTasks)).task;
}

export function aResult(changes: Partial<TaskResult> = {}): TaskResult {
  return {
    end: "exited",
    code: 0,
    signal: null,
    diskBeforeBytes: 5_000_000_000,
    diskAfterBytes: 4_000_000_000,
    cpuMs: 12,
    peakMemoryBytes: 3_000_000,
    stdoutBytes: 10,
    stderrBytes: 0,
    isOutputCut: false,
    ...changes,
  };
}

export function anOutcome(verdict: TaskVerdict = { kind: "end", state: "succeeded", reason: null }, changes: Partial<TaskOutcome> = {}): TaskOutcome {
  return { startedAt: new Date("2026-11-22T10:00:00Z"), finishedAt: new Date("2026-11-22T10:00:02Z"), result: aResult(), verdict, ...changes };
}

/** Ends a held task well. */
export async function succeed({ stores }: StoreContext, claim: ClaimedTask): Promise<void> {
  if (!(await stores.taskQueue.finish(claim, anOutcome()))) throw new Error(`${claim.uid} is not held any more`);
}

/** The lease of a task ends, as if its worker had been silent. */
export async function expireLease({ db }: StoreContext, { id }: Task): Promise<void> {
  await db
    .updateTable("tasks")
    .set({ leaseUntil: new Date(Date.now() - 1000) })
    .where("id", "=", id)
    .execute();
}
