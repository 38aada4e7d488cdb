import type { TaskBody } from "#contract/api/tasks.ts";
import { Failure } from "#contract/failure.ts";
import type { RunProgram } from "#contract/internal/runs.ts";
import { fillForm, problemsText } from "#contract/script-form.ts";
import type { ScriptManual, ScriptView } from "#contract/task.ts";
import type { Actor } from "../accounts/user.ts";
import { demandCanRun, type RunPolicy } from "../sites/run-policy.ts";
import type { ActorSite } from "../sites/site.ts";
import type { SiteHost } from "../sites/site-host.ts";
import type { SiteStore } from "../sites/site-store.ts";
import type { ScriptShelf } from "./script-shelf.ts";
import type { NewTask } from "./task.ts";
import { limitsFor, priorityFor, retryFor, startFor } from "./task-limits.ts";
import { placeFor } from "./task-place.ts";

/** What deciding about a new task needs. */
export interface PlanTaskDeps {
  readonly sites: Pick<SiteStore, "forActor">;
  readonly host: Pick<SiteHost, "capabilities">;
  readonly runPolicy: RunPolicy;
  readonly scripts: ScriptShelf;
  /** A setting of the installation. */
  readonly allowsCommands: boolean;
  /** Seals the JSON of an environment for the purpose `task environment`. */
  readonly seal: (text: string) => string;
  readonly newId: () => string;
}

/** What is asked for, and where it comes from. */
export interface TaskWish {
  readonly body: TaskBody;
  readonly idempotencyKey: string | null;
}

/** `planTask` with what it needs given: for those who only ask. */
export type PlanTask = (actor: Actor, wish: TaskWish) => Promise<PlannedTask>;

/** A task that may be queued, and where it will run. */
export interface PlannedTask {
  readonly task: NewTask;
  readonly site: ActorSite | null;
}

/**
 * Judges a request for a task and works out everything that the task needs; nothing is queued yet.
 * @throws {Failure} `site_not_found`, `administrators_only`, `role_too_low`, `commands_off`, `script_not_found`, `parameters_invalid`,
 * `isolation_missing`, `input_invalid`, `component_away`.
 */
export async function planTask(deps: PlanTaskDeps, actor: Actor, { body, idempotencyKey }: TaskWish): Promise<PlannedTask> {
  // First whether the place is theirs: what else is wrong is nobody's business before.
  const site = await placeFor(deps.sites, actor, { site: body.site, verb: "site.tasks" });
  await demandRunnable(deps, site);
  const { program, manual } = await programFor(deps, site, body);
  const { environment } = body;
  const task: NewTask = {
    uid: deps.newId(),
    siteId: site?.id ?? null,
    program,
    arguments: argumentsFor(program, manual, body),
    legacy: null,
    sealedEnvironment: environment === undefined ? null : deps.seal(JSON.stringify(environment)),
    environmentNames: Object.keys(environment ?? {}),
    priority: priorityFor({ asked: body.priority, manual, isAdministrator: actor.user.role === "administrator" }),
    retry: retryFor(manual, body.retry),
    limits: limitsFor({
      manual,
      timeoutSeconds: body.timeoutSeconds,
      siteLimits: site?.limits ?? null,
      isAdministrator: actor.user.role === "administrator",
    }),
    scriptConcurrency: manual.concurrency ?? null,
    createdById: actor.user.id,
    scheduleId: null,
    rerunOf: null,
    idempotencyKey,
    runAt: startFor({ asked: body.runAt, now: new Date() }),
  };
  return { task, site };
}

/** Scripts of a site obey the rule of its program. @throws {Failure} `isolation_missing`. */
export async function demandRunnable(deps: Pick<PlanTaskDeps, "host" | "runPolicy">, site: ActorSite | null): Promise<void> {
  if (site !== null) demandCanRun(deps.runPolicy, await deps.host.capabilities(), site.isOwnedByAdministrator);
}

/** The script with its manual. @throws {Failure} `script_not_found` with those that there are. */
export async function demandScript(scripts: ScriptShelf, site: ActorSite | null, path: string): Promise<ScriptView> {
  const found = await scripts.find(site?.id ?? null, path);
  if (found !== null) return found;
  const list = await scripts.list(site?.id ?? null);
  throw new Failure("script_not_found", { script: path, known: knownText(list.scripts, site) });
}

async function programFor(
  deps: PlanTaskDeps,
  site: ActorSite | null,
  body: TaskBody,
): Promise<{ readonly program: RunProgram; readonly manual: ScriptManual }> {
  const { script, command } = body;
  if ((script === undefined) === (command === undefined)) throw new Failure("input_invalid", { detail: "give either script or command, and not both." });
  if (script !== undefined) return { program: { kind: "script", path: script }, manual: (await demandScript(deps.scripts, site, script)).manual };
  if (!deps.allowsCommands) throw new Failure("commands_off");
  if (command === undefined || command.includes("\0")) throw new Failure("input_invalid", { detail: "command: no NUL." });
  return { program: { kind: "command", command }, manual: {} };
}

function argumentsFor(program: RunProgram, manual: ScriptManual, body: TaskBody): readonly string[] {
  if (program.kind === "command" && body.parameters !== undefined) {
    throw new Failure("input_invalid", { detail: "parameters: a command has no form; give its arguments as `arguments`." });
  }
  const filled = fillForm(manual, body.parameters ?? {}, body.arguments);
  if (filled.kind === "problems") throw new Failure("parameters_invalid", { detail: problemsText(filled.problems) });
  return filled.arguments;
}

/** More than this many names help nobody. */
const maxNamed = 20;

function knownText(scripts: readonly ScriptView[], site: ActorSite | null): string {
  if (scripts.length === 0) return site === null ? "The script library is empty." : "The site's folder private/scripts holds none.";
  const named = scripts.slice(0, maxNamed).map(({ path }) => path);
  const rest = scripts.length > named.length ? `, and ${scripts.length - named.length} more` : "";
  return `There are: ${named.join(", ")}${rest}.`;
}
