import type { TaskView } from "#contract/api/tasks.ts";

type PolledTask = Pick<TaskView, "state" | "runAt" | "createdAt">;

/** A list in which something happens is read again this often, in milliseconds, and any other. */
const busyMs = 1_500;
const idleMs = 15_000;
/** A task that begins within this time is looked at already. */
const soonMs = 5_000;
/** What runs is among the newest; further down stands what nobody watches. */
const watchedPages = 2;

/** How long to wait before a list of tasks is read again: each of its pages is a request. */
export function taskPollMs(pages: readonly (readonly PolledTask[])[], now: number): number {
  const isBusy = pages.slice(0, watchedPages).some((page) => page.some((task) => isActive(task, now)));
  return isBusy ? Math.min(busyMs * Math.max(pages.length - 1, 1), idleMs) : idleMs;
}

function isActive({ state, runAt, createdAt }: PolledTask, now: number): boolean {
  // A reader's clock may be slow: what was to run at once when it was made is due by any clock.
  return state === "running" || (state === "queued" && Date.parse(runAt) <= Math.max(now, Date.parse(createdAt)) + soonMs);
}
