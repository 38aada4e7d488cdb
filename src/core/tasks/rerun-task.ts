import { Failure } from "#contract/failure.ts";
import type { RunProgram } from "#contract/internal/runs.ts";
import type { Actor } from "../accounts/user.ts";
import type { ActorSite } from "../sites/site.ts";
import type { CreateTaskDeps } from "./create-task.ts";
import { demandRunnable, demandScript } from "./plan-task.ts";
import { lowered, lowerPriority } from "./task-limits.ts";
import type { ActorTask } from "./task-store.ts";

/**
 * Queues a new task that is the same: program, arguments, priority, retries, limits as far as they may still be had, and the environment for those who may use it.
 * @throws {Failure} `site_not_found` when its site is gone, `script_not_found`, `commands_off`, `isolation_missing`, `task_limit_reached`.
 */
export async function rerunTask(deps: CreateTaskDeps, actor: Actor, task: ActorTask): Promise<ActorTask> {
  const site = task.actorSite;
  if (task.site !== null && site === null) throw new Failure("site_not_found");
  await demandRunnable(deps, site);
  const keepsEnvironment = mayUseEnvironment(actor, task);
  const made = await deps.tasks.create(
    {
      uid: deps.newId(),
      siteId: site?.id ?? null,
      program: task.program,
      arguments: task.arguments,
      legacy: task.legacy,
      // Sealed with the same key: it goes over as it is.
      sealedEnvironment: keepsEnvironment ? await deps.tasks.sealedEnvironment(task) : null,
      environmentNames: keepsEnvironment ? task.environmentNames : [],
      priority: lowerPriority(task.priority, actor.user.role === "administrator"),
      retry: task.retry,
      limits: lowered(task.limits, site?.limits ?? null, actor.user.role === "administrator"),
      scriptConcurrency: await concurrencyOf(deps, site, task.program),
      createdById: actor.user.id,
      scheduleId: null,
      rerunOf: task.uid,
      idempotencyKey: null,
      runAt: null,
    },
    { maxWaiting: deps.maxWaiting },
  );
  return { ...made.task, actorSite: site };
}

/** Somebody's secrets are not another's to hand to a script, which a fellow member may have written since. */
function mayUseEnvironment({ user }: Actor, { createdBy }: ActorTask): boolean {
  return user.role === "administrator" || createdBy?.id === user.id;
}

/** What the script's manual says now; the script may have gone since, and commands may have been switched off. */
async function concurrencyOf(deps: CreateTaskDeps, site: ActorSite | null, program: RunProgram): Promise<number | null> {
  if (program.kind === "command") {
    if (!deps.allowsCommands) throw new Failure("commands_off");
    return null;
  }
  // What ran as a command for want of a script may do so again.
  if (program.orCommand !== undefined && deps.allowsCommands) return (await deps.scripts.find(site?.id ?? null, program.path))?.manual.concurrency ?? null;
  return (await demandScript(deps.scripts, site, program.path)).manual.concurrency ?? null;
}
