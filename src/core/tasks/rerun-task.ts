import { Failure } from "#contract/failure.ts";
import type { RunProgram } from "#contract/internal/runs.ts";
import type { Actor } from "../accounts/user.ts";
import type { ActorSite } from "../sites/site.ts";
import type { CreatedTask, CreateTaskDeps } from "./create-task.ts";
import { demandRunnable, demandScript } from "./plan-task.ts";
import type { NewTask } from "./task.ts";
import { lowered, lowerPriority } from "./task-limits.ts";
import type { ActorTask } from "./task-store.ts";

/**
 * Queues a new task that is the same: program, arguments, priority, retries, limits as far as they may still be had, and the environment for those who may use it.
 * With an idempotency key that this person used for it within a day, the task of that time is given.
 * @throws {Failure} `site_not_found` when its site is gone, `script_not_found`, `commands_off`, `isolation_missing`, `task_limit_reached`, `idempotency_conflict`.
 */
export async function rerunTask(
  deps: CreateTaskDeps,
  actor: Actor,
  { task, idempotencyKey }: { readonly task: ActorTask; readonly idempotencyKey: string | null },
): Promise<CreatedTask> {
  const earlier = idempotencyKey === null ? null : await deps.tasks.byKey(actor, idempotencyKey);
  // Asked before anything is demanded: what was queued is told of, even if it could not be queued any more.
  if (earlier?.rerunOf === task.uid) return { task: earlier, isNew: false };
  if (earlier !== null) throw new Failure("idempotency_conflict");
  const site = task.actorSite;
  if (task.site !== null && site === null) throw new Failure("site_not_found");
  await demandRunnable(deps, site);
  const again = { ...(await sameAs(deps, actor, task)), idempotencyKey };
  const made = await deps.tasks.create(again, { maxWaiting: deps.maxWaiting });
  return { task: { ...made.task, actorSite: site }, isNew: made.isNew };
}

async function sameAs(deps: CreateTaskDeps, actor: Actor, task: ActorTask): Promise<NewTask> {
  const site = task.actorSite;
  const isAdministrator = actor.user.role === "administrator";
  const keepsEnvironment = mayUseEnvironment(actor, task);
  return {
    uid: deps.newId(),
    siteId: site?.id ?? null,
    program: task.program,
    arguments: task.arguments,
    legacy: task.legacy,
    // Sealed with the same key: it goes over as it is.
    sealedEnvironment: keepsEnvironment ? await deps.tasks.sealedEnvironment(task) : null,
    environmentNames: keepsEnvironment ? task.environmentNames : [],
    priority: lowerPriority(task.priority, isAdministrator),
    retry: task.retry,
    limits: lowered(task.limits, site?.limits ?? null, isAdministrator),
    scriptConcurrency: await concurrencyOf(deps, site, task.program),
    createdById: actor.user.id,
    scheduleId: null,
    rerunOf: task.uid,
    idempotencyKey: null,
    runAt: null,
  };
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
