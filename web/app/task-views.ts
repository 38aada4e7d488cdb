import type { TaskState } from "#contract/task.ts";

/** Which tasks a list shows, by what one looks for. */
export const taskViews = ["all", "waiting", "running", "done", "failed"] as const;
export type TaskViewName = (typeof taskViews)[number];

const states: Readonly<Record<TaskViewName, readonly TaskState[] | null>> = {
  all: null,
  waiting: ["queued"],
  running: ["running"],
  done: ["succeeded"],
  failed: ["failed", "timed-out", "lost", "rejected", "cancelled"],
};

export const taskViewWords: Readonly<Record<TaskViewName, string>> = { all: "All", waiting: "Waiting", running: "Running", done: "Done", failed: "Not done" };

export function statesOfView(view: TaskViewName): readonly TaskState[] | null {
  return states[view];
}

export function isTaskView(text: string | undefined): text is TaskViewName {
  return text !== undefined && (taskViews as readonly string[]).includes(text);
}
