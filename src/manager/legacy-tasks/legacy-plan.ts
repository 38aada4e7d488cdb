import type { RunProgram } from "#contract/internal/runs.ts";
import { scriptPath } from "#contract/task.ts";
import { errorsOf, type LegacyCreate, type LegacyErrors, unusableText } from "./legacy-request.ts";
import { isTruthy, type PythonDict, type PythonValue } from "./python-value.ts";
import { splitWords } from "./shell-words.ts";

/** What runs for a request of the original's clients. */
export interface LegacyPlan {
  readonly program: RunProgram;
  readonly arguments: readonly string[];
}

/** The original's 100 characters were its database column. */
export const maxArgumentsLength = 32_768;
const maxWords = 1000;

/**
 * Turns script and arguments into a program. Without commands the arguments are split like a shell's words, and no shell runs. With them a shell
 * gets the line as the original's did. A script that cannot be in the library becomes a name that is not there, so that it ends with 127
 * and is never run.
 */
export function planLegacyRun(
  create: LegacyCreate,
  options: { readonly uid: string; readonly allowsCommands: boolean },
): { readonly plan: LegacyPlan } | { readonly errors: LegacyErrors } {
  const given = commandLineParts(create.arguments);
  const nothing: LegacyPlan = { program: { kind: "script", path: `no such script (${options.uid})` }, arguments: [] };
  const parts = given.filter((part) => typeof part === "string");
  // The original's runner failed on what is no text.
  if (parts.length < given.length) return { plan: nothing };
  const text = parts.join(" ");
  const problem = unusableText(text) ?? tooLong(text);
  if (problem !== undefined) return { errors: errorsOf([["arguments", problem]]) };
  const words = splitWords(text);
  if (words !== null && words.length > maxWords) return { errors: errorsOf([["arguments", `Ensure this field has no more than ${maxWords} elements.`]]) };
  if (leadsOut(create.script)) return { plan: nothing };
  const path = pathInLibrary(create.script);
  if (options.allowsCommands) {
    const command = [create.script, ...parts].join(" ");
    if (path === null) return { plan: { program: { kind: "command", command }, arguments: [] } };
    return { plan: { program: { kind: "script", path, orCommand: command, shellArguments: text }, arguments: words ?? [] } };
  }
  if (words === null) return { errors: errorsOf([["arguments", "A quotation mark in it is not closed."]]) };
  return { plan: path === null ? nothing : { program: { kind: "script", path }, arguments: words } };
}

/** Whether the original's runner would have failed before it started anything: what is left of the arguments is not all text. */
export function failsInRunner(given: PythonDict): boolean {
  return commandLineParts(given).some((part) => typeof part !== "string");
}

// Each name and then its value; what Python takes for false is dropped.
function commandLineParts(given: PythonDict): readonly PythonValue[] {
  return given.dict.flat<readonly (readonly [string, PythonValue])[]>().filter((part) => isTruthy(part));
}

function tooLong(text: string): string | undefined {
  return text.length > maxArgumentsLength ? `Ensure this field has no more than ${maxArgumentsLength} characters.` : undefined;
}

function leadsOut(script: string): boolean {
  const [first = ""] = script.split(/\s/, 1);
  return script.split("/").includes("..") || first.split("/").includes("..");
}

/** The path below the script folder; null for what cannot be one. As in a path name, more slashes are one, and `.` is nothing. */
function pathInLibrary(script: string): string | null {
  if (script.endsWith("/")) return null;
  const parsed = scriptPath.safeParse(
    script
      .split("/")
      .filter((part) => part !== "" && part !== ".")
      .join("/"),
  );
  return parsed.success ? parsed.data : null;
}
