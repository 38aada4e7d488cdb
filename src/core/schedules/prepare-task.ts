import type { TaskBody } from "#contract/api/tasks.ts";
import type { Actor } from "../accounts/user.ts";
import type { ActorSite } from "../sites/site.ts";
import type { NewTask } from "../tasks/task.ts";

/**
 * Turns what a person asks for into a task that can be queued, without queueing it. The right to the place was asked for already.
 * @throws {Failure} `script_not_found`, `parameters_invalid`, `commands_off`, `isolation_missing`; `component_away` when nobody can tell.
 */
export type PrepareTask = (actor: Actor, place: ActorSite | null, body: TaskBody) => Promise<NewTask>;
