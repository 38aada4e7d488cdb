import type { TaskView } from "#contract/api/tasks.ts";
import type { TaskState } from "#contract/task.ts";
import { durationText } from "./formats.ts";
import type { Tone } from "./state-words.ts";

const words: Readonly<Record<TaskState, { readonly label: string; readonly tone: Tone }>> = {
  queued: { label: "Waiting", tone: "off" },
  running: { label: "Running", tone: "sky" },
  succeeded: { label: "Done", tone: "good" },
  failed: { label: "Failed", tone: "bad" },
  "timed-out": { label: "Timed out", tone: "bad" },
  cancelled: { label: "Cancelled", tone: "warn" },
  lost: { label: "Lost", tone: "bad" },
  rejected: { label: "Not started", tone: "bad" },
};

export function taskStateWords(state: TaskState): { readonly label: string; readonly tone: Tone } {
  return words[state];
}

/** What a task runs, as one line. */
export function taskTitle(task: Pick<TaskView, "script" | "command">): string {
  return task.script ?? firstLine(task.command ?? "");
}

function firstLine(text: string): string {
  const [line = ""] = text.trim().split("\n");
  return line.length < text.trim().length ? `${line} …` : line;
}

/** Arguments as one would type them. */
export function argumentsText(all: readonly string[]): string {
  return all.map((each) => (/^[\w@%+=:,./-]+$/.test(each) ? each : `'${each.replaceAll("'", "'\\''")}'`)).join(" ");
}

/** How long it has run, or ran, in words; null before it starts. */
export function taskDuration(task: Pick<TaskView, "startedAt" | "finishedAt">, now: number): string | null {
  if (task.startedAt === null) return null;
  const until = task.finishedAt === null ? now : Date.parse(task.finishedAt);
  return durationText(until - Date.parse(task.startedAt));
}

/** The result in a few words: `exit code 3`, `SIGKILL`; empty where the state says it all. */
export function resultText(task: Pick<TaskView, "state" | "code" | "signal" | "end">): string {
  if (task.signal !== null) return task.signal;
  if (task.code !== null && task.code !== 0) return `exit code ${task.code}`;
  return "";
}
