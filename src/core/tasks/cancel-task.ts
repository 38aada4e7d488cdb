import { isTaskEnded } from "#contract/task.ts";
import type { ActorTask, TaskStore } from "./task-store.ts";

/** Ends a task that waits, or has a running one ended by its worker. One that has ended stays as it is: `isAsked` is then false. */
export async function cancelTask(tasks: TaskStore, task: ActorTask): Promise<{ readonly task: ActorTask; readonly isAsked: boolean }> {
  if (isTaskEnded(task.state)) return { task, isAsked: false };
  const asked = await tasks.requestCancel(task);
  return { task: { ...asked, actorSite: task.actorSite }, isAsked: true };
}
