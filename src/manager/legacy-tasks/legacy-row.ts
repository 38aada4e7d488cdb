import { constants } from "node:os";
import { z } from "zod";
import { isTaskEnded } from "#contract/task.ts";
import type { LegacyRequest, Task } from "#core/tasks/task.ts";
import { failsInRunner } from "./legacy-plan.ts";
import { pythonRepr } from "./python-text.ts";
import { type PythonDict, type PythonValue, pythonValue } from "./python-value.ts";
import { joinWords } from "./shell-words.ts";

/** The runner itself failed, or nobody can tell what became of the script: the original's number for that. */
const runnerFailed = 99;

/** A task as the original shows one. */
export function rowOf(task: Task): PythonDict {
  return rowWith(task, argumentsOf(task));
}

/** A task as the original shows it among others: there the arguments are Python's own text of them. */
export function listedRowOf(task: Task): PythonDict {
  return rowWith(task, pythonRepr(argumentsOf(task)));
}

function rowWith(task: Task, given: PythonValue): PythonDict {
  return {
    dict: [
      ["id", { int: String(task.id) }],
      ["uid", task.uid],
      ["created", moment(task.createdAt)],
      ["script", task.legacy?.script ?? (task.program.kind === "script" ? task.program.path : task.program.command)],
      ["arguments", given],
      ["started", task.startedAt === null ? null : moment(task.startedAt)],
      ["finished", task.finishedAt === null || !isTaskEnded(task.state) ? null : moment(task.finishedAt)],
      ["diskspace_before", kibibytes(task.result?.diskBeforeBytes ?? null)],
      ["diskspace_after", kibibytes(task.result?.diskAfterBytes ?? null)],
      ["retcode", number(retcodeOf(task))],
    ],
  };
}

/** The original's return code: the script's own, a signal as a negative number, 127 and 126 as in a shell, 99 where the runner failed. */
export function retcodeOf(task: Task): number | null {
  if (!isTaskEnded(task.state)) return null;
  if (failsInRunner(argumentsOf(task))) return runnerFailed;
  const { result } = task;
  // Cancelled before it began: for clients that wait for a code it ends as if it had been told to.
  if (result === null) return task.state === "cancelled" ? -constants.signals.SIGTERM : runnerFailed;
  if (result.end === "refused" || result.end === "lost") return runnerFailed;
  if (result.signal !== null) return signalCode(result.signal);
  if (result.code !== null) return result.code;
  if (result.end === "not-found") return 127;
  if (result.end === "not-executable") return 126;
  return result.end === "exited" ? runnerFailed : -constants.signals.SIGKILL;
}

const storedArguments = z.array(z.tuple([z.string(), pythonValue]));

/** The arguments as they were sent; of a task that did not come by the original's API, its own as one line. */
function argumentsOf(task: Task): PythonDict {
  if (task.legacy === null) return { dict: task.arguments.length === 0 ? [] : [["", joinWords(task.arguments)]] };
  return { dict: storedArguments.parse(task.legacy.arguments) };
}

/** What is kept of a request. */
export function legacyRequestOf(script: string, given: PythonDict): LegacyRequest {
  return { script, arguments: given.dict };
}

/** ISO 8601 as Python writes it: six digits, or none at a full second. */
function moment(at: Date): string {
  return at.toISOString().replace(/\.(\d{3})Z$/, (_, digits: string) => (digits === "000" ? "Z" : `.${digits}000Z`));
}

function kibibytes(bytes: number | null): PythonValue {
  return number(bytes === null ? null : Math.floor(bytes / 1024));
}

function number(value: number | null): PythonValue {
  return value === null ? null : { int: String(value) };
}

function signalCode(name: string): number {
  const known: Readonly<Record<string, number>> = constants.signals;
  const number = known[name];
  return number === undefined ? runnerFailed : -number;
}
