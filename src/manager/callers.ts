import type { Actor } from "#core/accounts/user.ts";
import type { Operation } from "#core/operations/operation.ts";
import type { ActorSchedule } from "#core/schedules/schedule-store.ts";
import type { ActorSite } from "#core/sites/site.ts";
import type { ActorTask } from "#core/tasks/task-store.ts";

/** Someone who is signed in. */
export interface PersonCaller {
  readonly actor: Actor;
  /** The id of the browser session; null for an API token. */
  readonly sessionId: string | null;
}

/** Someone whom policy lets do the endpoint's verb to this site. */
export interface SiteCaller extends PersonCaller {
  readonly site: ActorSite;
}

/** Someone who may see this operation. */
export interface OperationCaller extends PersonCaller {
  readonly operation: Operation;
}

/** Someone who may do the endpoint's act with this task. */
export interface TaskCaller extends PersonCaller {
  readonly task: ActorTask;
}

/** Someone who may do the endpoint's act with this schedule. */
export interface ScheduleCaller extends PersonCaller {
  readonly schedule: ActorSchedule;
}
