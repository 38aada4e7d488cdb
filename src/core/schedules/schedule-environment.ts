import type { TaskBody } from "#contract/api/tasks.ts";
import type { Seal } from "#kit/seal.ts";

/** A schedule's task as it is kept: the names of its environment beside it, the values sealed. */
export interface KeptTask {
  readonly task: TaskBody;
  readonly sealedEnvironment: string | null;
}

/** Takes the values of the environment out of a task and seals them. */
export function keepTask(seal: Seal, task: TaskBody): KeptTask {
  const { environment = {}, ...rest } = task;
  const names = Object.keys(environment);
  if (names.length === 0) return { task: rest, sealedEnvironment: null };
  const withoutValues = Object.fromEntries(names.map((name) => [name, ""]));
  return { task: { ...rest, environment: withoutValues }, sealedEnvironment: seal.seal(JSON.stringify(environment)) };
}

/** The task as it runs, with every value. */
export function openTask(seal: Seal, kept: KeptTask): TaskBody {
  if (kept.sealedEnvironment === null) return kept.task;
  // Nobody but us can have sealed it, and we sealed names with values.
  return { ...kept.task, environment: JSON.parse(seal.open(kept.sealedEnvironment)) as Record<string, string> };
}

/** The names of those values that a task goes on with, written in place of the kept one: those that are not given anew. */
export function keptNames(kept: KeptTask, task: TaskBody = kept.task): readonly string[] {
  if (kept.sealedEnvironment === null) return [];
  const names = Object.keys(kept.task.environment ?? {});
  const { environment } = task;
  return environment === undefined ? names : names.filter((name) => environment[name] === "");
}

/**
 * The task that somebody wrote in place of another, whose values they cannot see: without an environment all of them stay, and so does each
 * that is sent back as it was shown, empty.
 */
export function changedTask(seal: Seal, kept: KeptTask, task: TaskBody): TaskBody {
  const before = openTask(seal, kept).environment ?? {};
  const given = task.environment ?? kept.task.environment;
  if (given === undefined) return task;
  return { ...task, environment: Object.fromEntries(Object.entries(given).map(([name, value]) => [name, value === "" ? (before[name] ?? "") : value])) };
}
