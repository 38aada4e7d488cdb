import { fillForm, type ParameterValue } from "#contract/script-form.ts";
import type { ScriptView } from "#contract/task.ts";
import type { NewTask } from "./data-tasks.ts";
import { changedFields, type DraftRules, isSameFields } from "./draft.ts";

/** A form to run something, as it stands while somebody fills it in. */
export interface RunDraft {
  readonly script: ScriptView | null;
  /** Set when a command is typed instead of choosing a script. */
  readonly command: string | null;
  readonly values: Readonly<Record<string, ParameterValue>>;
  /** One argument a line. */
  readonly more: string;
  readonly timeoutSeconds: string;
  readonly priority: string;
}

export const emptyDraft: RunDraft = { script: null, command: null, values: {}, more: "", timeoutSeconds: "", priority: "" };

/** What a finished form asks for, or what is wrong, by the field's name; `""` for the whole form. */
export type RunRequest = { readonly kind: "body"; readonly body: NewTask } | { readonly kind: "problems"; readonly problems: Readonly<Record<string, string>> };

/** Where the problem of a script's own parameter stands: its name may be that of a field of ours. */
export function parameterKey(name: string): string {
  return `parameter ${name}`;
}

/** Makes the request of a form. */
export function requestOf(draft: RunDraft, site: string | null): RunRequest {
  const problems: Record<string, string> = {};
  const more = linesOf(draft.more);
  if (draft.command !== null && draft.command.trim() === "") problems.command = "Type a command.";
  if (draft.command === null && draft.script === null) problems[""] = "Choose a script.";
  if (draft.command === null && draft.script !== null) {
    const filled = fillForm(draft.script.manual, draft.values, more);
    if (filled.kind === "problems") for (const { name, problem } of filled.problems) problems[name === null ? "more" : parameterKey(name)] = `This ${problem}.`;
  }
  const timeoutSeconds = numberOf(draft.timeoutSeconds);
  if (timeoutSeconds === null || (timeoutSeconds !== undefined && timeoutSeconds <= 0)) problems.timeoutSeconds = "Type a number of seconds.";
  const priority = numberOf(draft.priority);
  if (priority === null || (priority !== undefined && (!Number.isInteger(priority) || Math.abs(priority) > 100)))
    problems.priority = "A whole number from -100 to 100.";
  if (Object.keys(problems).length > 0) return { kind: "problems", problems };
  const program = draft.command !== null ? { command: draft.command } : { script: draft.script?.path ?? "", parameters: given(draft.values) };
  return {
    kind: "body",
    body: {
      ...program,
      arguments: more,
      ...(site === null ? {} : { site }),
      ...(timeoutSeconds == null ? {} : { timeoutSeconds }),
      ...(priority == null ? {} : { priority }),
    },
  };
}

function given(values: RunDraft["values"]): Record<string, string | number | boolean | string[]> {
  const entries = Object.entries(values).filter(([, value]) => value !== "");
  return Object.fromEntries(entries.map(([name, value]) => [name, typeof value === "object" ? [...value] : value]));
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** Undefined for nothing, null for what is no number. */
function numberOf(text: string): number | undefined | null {
  if (text.trim() === "") return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** The text of a field that holds this value; of several values each is a line. */
export function fieldText(value: ParameterValue | undefined): string {
  return typeof value === "object" ? value.join("\n") : String(value ?? "");
}

/** What a form shows of a task that exists. */
export type SavedRun = Pick<NewTask, "script" | "command" | "arguments" | "parameters" | "timeoutSeconds" | "priority">;

/** The form of a task that exists, to change it. A script that is not there any more is nothing chosen. */
export function draftOf(task: SavedRun, scripts: readonly ScriptView[]): RunDraft {
  return {
    script: scripts.find(({ path }) => path === task.script) ?? null,
    command: task.command ?? null,
    values: task.parameters ?? emptyDraft.values,
    more: (task.arguments ?? []).join("\n"),
    timeoutSeconds: task.timeoutSeconds === undefined ? "" : String(task.timeoutSeconds),
    priority: task.priority === undefined ? "" : String(task.priority),
  };
}

/** The form of a task that exists, beside what it began with: scripts come and go meanwhile, and only what somebody touched is a change. */
export interface EditedRun {
  readonly began: RunDraft;
  readonly now: RunDraft;
}

/** How such a form follows what others save: what nobody touched here becomes theirs. A script or command and the values of its form are one. */
export function runRules(scripts: readonly ScriptView[]): DraftRules<SavedRun, EditedRun> {
  const begin = (task: SavedRun): EditedRun => {
    const began = draftOf(task, scripts);
    return { began, now: began };
  };
  return {
    draftOf: begin,
    rebase: ({ draft: { began, now } }, saved) => {
      const next = begin(saved).began;
      const { script, command, values, ...rest } = changedFields(began, now);
      const isProgram = script !== undefined || command !== undefined || values !== undefined;
      return { began: next, now: { ...next, ...rest, ...(isProgram ? { script: now.script, command: now.command, values: now.values } : {}) } };
    },
    isSame: (a, b) => JSON.stringify(a) === JSON.stringify(b),
  };
}

export function isTouched({ began, now }: EditedRun): boolean {
  return !isSameFields(began, now);
}
