import type { TaskAttemptView, TaskView } from "#contract/api/tasks.ts";
import type { Actor } from "#core/accounts/user.ts";
import type { EarlierAttempt } from "#core/tasks/task.ts";
import { mayControl } from "#core/tasks/task-place.ts";
import type { ActorTask } from "#core/tasks/task-store.ts";

const isoOrNull = (at: Date | null): string | null => at?.toISOString() ?? null;

/** A task as the asker sees it. */
export function taskViewOf(task: ActorTask, actor: Actor): TaskView {
  const { program, result } = task;
  return {
    id: task.id,
    uid: task.uid,
    state: task.state,
    reason: task.reason,
    site: task.site?.name ?? null,
    script: program.kind === "script" ? program.path : null,
    command: program.kind === "command" ? program.command : null,
    arguments: [...task.arguments],
    environment: [...task.environmentNames],
    priority: task.priority,
    retry: task.retry,
    limits: task.limits,
    attempt: task.attempt,
    createdBy: task.createdBy?.username ?? null,
    schedule: task.schedule,
    rerunOf: task.rerunOf,
    createdAt: task.createdAt.toISOString(),
    runAt: task.runAt.toISOString(),
    startedAt: isoOrNull(task.startedAt),
    finishedAt: isoOrNull(task.finishedAt),
    isCancelRequested: task.cancelRequestedAt !== null,
    end: result?.end ?? null,
    code: result?.code ?? null,
    signal: result?.signal ?? null,
    diskBeforeBytes: result?.diskBeforeBytes ?? null,
    diskAfterBytes: result?.diskAfterBytes ?? null,
    cpuMs: result?.cpuMs ?? null,
    peakMemoryBytes: result?.peakMemoryBytes ?? null,
    stdoutBytes: result?.stdoutBytes ?? 0,
    stderrBytes: result?.stderrBytes ?? 0,
    isOutputCut: result?.isOutputCut ?? false,
    you: { mayControl: mayControl(actor, task) },
  };
}

/** An earlier attempt as people see it. */
export function attemptViewOf(attempt: EarlierAttempt): TaskAttemptView {
  return { ...attempt, startedAt: isoOrNull(attempt.startedAt), finishedAt: attempt.finishedAt.toISOString() };
}
