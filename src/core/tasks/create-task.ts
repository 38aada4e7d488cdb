import { Failure } from "#contract/failure.ts";
import type { Actor } from "../accounts/user.ts";
import { type PlanTaskDeps, planTask, type TaskWish } from "./plan-task.ts";
import { creationNote } from "./task-note.ts";
import type { ActorTask, TaskStore } from "./task-store.ts";

/** What creating a task needs. */
export interface CreateTaskDeps extends PlanTaskDeps {
  readonly tasks: TaskStore;
  /** The most tasks that may wait at once. */
  readonly maxWaiting: number;
}

/** A task that was queued; `isNew` is false when an earlier request with the same idempotency key had queued it. */
export interface CreatedTask {
  readonly task: ActorTask;
  readonly isNew: boolean;
}

/**
 * Queues a script or a command, and notes that in the audit trail.
 * @throws {Failure} what `planTask` throws, `idempotency_conflict`, `task_limit_reached`, `site_being_deleted`.
 */
export async function createTask(deps: CreateTaskDeps, actor: Actor, wish: TaskWish): Promise<CreatedTask> {
  try {
    const { task, site } = await planTask(deps, actor, wish);
    const made = await deps.tasks.create(task, { maxWaiting: deps.maxWaiting }, creationNote(actor, task, site));
    return { task: { ...made.task, actorSite: site }, isNew: made.isNew };
  } catch (error) {
    if (!(error instanceof Failure) || error.code === "idempotency_conflict") throw error;
    // Whoever asks again for what was queued is told of it, even if it could not be queued any more: the script may have gone meanwhile.
    const earlier = await earlierTask(deps, actor, wish);
    if (earlier === null) throw error;
    return { task: earlier, isNew: false };
  }
}

/** Without the script's form nobody knows all of its arguments: those that the request names itself are compared. */
async function earlierTask({ tasks }: CreateTaskDeps, actor: Actor, { body, idempotencyKey }: TaskWish): Promise<ActorTask | null> {
  if (idempotencyKey === null) return null;
  const task = await tasks.byKey(actor, idempotencyKey);
  if (task === null) return null;
  const { program } = task;
  const isSameProgram = program.kind === "script" ? program.path === body.script : program.command === body.command;
  const isSamePlace = body.site === undefined ? task.site === null : task.actorSite?.name === body.site;
  const isSame = isSameProgram && isSamePlace && sameNames(task.environmentNames, body.environment) && endsWith(task.arguments, body.arguments);
  return isSame ? task : null;
}

function sameNames(names: readonly string[], environment: Readonly<Record<string, string>> = {}): boolean {
  return JSON.stringify([...names].sort()) === JSON.stringify(Object.keys(environment).sort());
}

function endsWith(all: readonly string[], last: readonly string[]): boolean {
  return all.length >= last.length && last.every((each, i) => all[all.length - last.length + i] === each);
}
