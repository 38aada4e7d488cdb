import type { NewTask, Task } from "#core/tasks/task.ts";
import type { Change } from "../notifications.ts";

/** How a task is let in. */
export interface TaskAdmission {
  /** The most that may wait. */
  readonly maxWaiting: number;
  /** Announce it to the broker too. */
  readonly usesBroker: boolean;
}

/** Queues a task as part of a change. With an idempotency key that this person used within a day, the earlier task is given. */
export async function insertTask(_change: Change, _task: NewTask, _admission: TaskAdmission): Promise<{ readonly task: Task; readonly isNew: boolean }> {
  throw new Error("not yet");
}

/** Ends waiting tasks as cancelled, and marks running ones so that their workers end them; those that have ended stay as they are. */
export async function cancelTasks(_change: Change, _ids: readonly number[], _reason: string): Promise<void> {
  throw new Error("not yet");
}
