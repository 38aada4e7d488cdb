import type { RunEnd, TaskState } from "#contract/task.ts";
import type { Task, TaskResult } from "./task.ts";
import type { TaskVerdict } from "./task-queue.ts";

/** What decides about a task whose attempt has ended. */
export interface AttemptEnd {
  readonly result: Pick<TaskResult, "end" | "code" | "signal">;
  /** What the host says of it. */
  readonly message: string | null;
  readonly isCancelRequested: boolean;
  /** From 0 to below 1. */
  readonly random: number;
}

/** The longest wait before another attempt, unless the script's own is longer. */
const longestDelayMs = 3_600_000;
/** A script that brings its machine down must not do so for ever. */
const mostStartsAfterLoss = 5;

type EndState = Exclude<TaskState, "queued" | "running">;

/** How a task ends, or that it is tried again, and why in plain words. */
export function judgeAttempt(task: Pick<Task, "retry" | "attempt" | "limits">, end: AttemptEnd): TaskVerdict {
  const state = stateOf(end.result);
  const reason = reasonOf(task, end);
  if (end.isCancelRequested || !mayTryAgain(task, end.result.end, state)) return { kind: "end", state, reason };
  const longestMs = Math.max(longestDelayMs, task.retry.delaySeconds * 1000);
  const delayMs = Math.min(task.retry.delaySeconds * 1000 * 2 ** (task.attempt - 1), longestMs);
  // Anywhere up to the delay: many that failed together do not come back together.
  return { kind: "retry", afterMs: Math.round(delayMs * end.random), reason: again(reason ?? "It did not end well.") };
}

function stateOf({ end, code }: AttemptEnd["result"]): EndState {
  switch (end) {
    case "exited":
      return code === 0 ? "succeeded" : "failed";
    case "signalled":
    case "not-found":
    case "not-executable":
    case "out-of-memory":
      return "failed";
    case "timed-out":
      return "timed-out";
    case "cancelled":
      return "cancelled";
    case "refused":
      return "rejected";
    case "lost":
      return "lost";
  }
}

function mayTryAgain({ retry, attempt }: Pick<Task, "retry" | "attempt">, end: RunEnd, state: EndState): boolean {
  if (state === "lost") return retry.onLost === "retry" && attempt <= Math.max(retry.retries, mostStartsAfterLoss);
  // A script that is missing or not executable will be so the next time, too.
  if (end === "not-found" || end === "not-executable") return false;
  return (state === "failed" || state === "timed-out") && attempt <= retry.retries;
}

function reasonOf({ limits }: Pick<Task, "limits">, { result, message }: AttemptEnd): string | null {
  switch (result.end) {
    case "exited":
      return result.code === 0 ? null : `It exited with${result.code === null ? "out a code" : ` code ${result.code}`}.`;
    case "signalled":
      return `It was killed by ${result.signal ?? "a signal"}.`;
    case "not-found":
      return message ?? "There is no such script.";
    case "not-executable":
      return message ?? "The script is not executable.";
    case "timed-out":
      return `It took longer than ${inWords(limits.timeoutMs)}.`;
    case "cancelled":
      // A site that was disabled, or a disk that is full: the host knows it. When somebody asked, the state says everything.
      return message;
    case "out-of-memory":
      return `It used more than ${Math.round(limits.memoryBytes / 1_000_000)} MB of memory.`;
    case "refused":
      return message ?? "It could not be started.";
    case "lost":
      return message ?? "The machine that ran it was lost.";
  }
}

function again(reason: string): string {
  return `${reason}${/[.!?]$/.test(reason) ? "" : "."} It is tried again.`;
}

function inWords(ms: number): string {
  if (ms < 120_000) return `${ms / 1000} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 6_000) / 10} minutes` : `${Math.round(ms / 360_000) / 10} hours`;
}
