import type { Actor } from "../accounts/user.ts";
import { type PlanTaskDeps, planTask, type TaskWish } from "./plan-task.ts";
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
 * Queues a script or a command.
 * @throws {Failure} what `planTask` throws, `idempotency_conflict`, `task_limit_reached`, `site_being_deleted`.
 */
export async function createTask(deps: CreateTaskDeps, actor: Actor, wish: TaskWish): Promise<CreatedTask> {
  const { task, site } = await planTask(deps, actor, wish);
  const made = await deps.tasks.create(task, { maxWaiting: deps.maxWaiting });
  return { task: { ...made.task, actorSite: site }, isNew: made.isNew };
}
