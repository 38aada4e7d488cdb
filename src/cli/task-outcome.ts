import { constants } from "node:os";
import type { TaskView } from "#contract/api/tasks.ts";
import type { TaskState } from "#contract/task.ts";
import { exitCodes } from "./exit-code.ts";

/** What `timeout` of the coreutils and shells end with. */
const timedOutCode = 124;
const signalBase = 128;

/** The code that a command ends with whose task has ended: the task's own; of a signal, a timeout and a cancellation what a shell would say. */
export function exitCodeOfTask(task: TaskView): number {
  if (task.state === "succeeded") return exitCodes.ok;
  if (task.state === "timed-out") return timedOutCode;
  if (task.state === "cancelled") return signalBase + constants.signals.SIGINT;
  if (task.code !== null && task.code !== 0) return task.code;
  const signals: Readonly<Record<string, number>> = constants.signals;
  const number = task.signal === null ? undefined : signals[task.signal];
  return number === undefined ? exitCodes.failed : signalBase + number;
}

const words: Readonly<Record<TaskState, string>> = {
  queued: "waits",
  running: "runs",
  succeeded: "has succeeded",
  failed: "has failed",
  "timed-out": "took too long and was ended",
  cancelled: "was cancelled",
  lost: "was lost",
  rejected: "could not be started",
};

/** What became of a task, in a sentence for people. */
export function outcomeOf(task: TaskView): string {
  const how = task.state !== "failed" ? "" : task.signal !== null ? ` (${task.signal})` : task.code === null ? "" : ` with code ${task.code}`;
  const why = task.reason === null ? how : `: ${task.reason}`;
  return `The task ${words[task.state]}${why}`.replace(/[.]?$/, ".");
}
