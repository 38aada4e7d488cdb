/** What limits ask about a task. */
export interface TaskPlace {
  readonly siteId: number | null;
  /** Null for a command. */
  readonly script: string | null;
}

/** A task that waits, in the order of the queue. */
export interface WaitingTask extends TaskPlace {
  readonly id: number;
  readonly scriptConcurrency: number | null;
}

/** Which of the waiting may start, in their order, beside those that run: limits count for each script in its site, and for each site. */
export function chooseTasks(
  waiting: readonly WaitingTask[],
  running: readonly TaskPlace[],
  limits: { readonly limit: number; readonly perSite: number },
): readonly number[] {
  const counts = new Map<string, number>();
  const count = (key: string): number => counts.get(key) ?? 0;
  const add = (place: TaskPlace): void => {
    for (const key of [siteKey(place), scriptKey(place)]) counts.set(key, count(key) + 1);
  };
  for (const place of running) add(place);
  const chosen: number[] = [];
  for (const task of waiting) {
    if (chosen.length >= limits.limit) break;
    if (task.siteId !== null && count(siteKey(task)) >= limits.perSite) continue;
    if (task.script !== null && task.scriptConcurrency !== null && count(scriptKey(task)) >= task.scriptConcurrency) continue;
    add(task);
    chosen.push(task.id);
  }
  return chosen;
}

function siteKey({ siteId }: TaskPlace): string {
  return `site ${siteId ?? "home"}`;
}

function scriptKey({ siteId, script }: TaskPlace): string {
  return script === null ? "command" : `script ${siteId ?? "home"} ${script}`;
}
