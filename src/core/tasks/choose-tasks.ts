/** What limits ask about a task. */
export interface TaskPlace {
  readonly siteId: number | null;
  /** Null for a command. */
  readonly script: string | null;
  /** Whose share it counts against; null for tasks of administrators and of the home folder, which are nobody's. */
  readonly personId: number | null;
}

/** A task that waits, in the order of the queue. */
export interface WaitingTask extends TaskPlace {
  readonly id: number;
  readonly scriptConcurrency: number | null;
}

/** How many tasks may be chosen, and how many may run at once. */
export interface ChoiceLimits {
  readonly limit: number;
  readonly perSite: number;
  readonly perPerson: number;
  /** Of `limit`, the most that count against somebody's share. */
  readonly ofMembers: number;
}

/** Which of the waiting may start, in their order, beside those that run: limits count for each script in its site, each site, and each person. */
export function chooseTasks(waiting: readonly WaitingTask[], running: readonly TaskPlace[], limits: ChoiceLimits): readonly number[] {
  const counts = new Map<string, number>();
  const count = (key: string): number => counts.get(key) ?? 0;
  const add = (place: TaskPlace): void => {
    for (const key of [siteKey(place), scriptKey(place), personKey(place)]) counts.set(key, count(key) + 1);
  };
  for (const place of running) add(place);
  const chosen: number[] = [];
  let membersLeft = limits.ofMembers;
  for (const task of waiting) {
    if (chosen.length >= limits.limit) break;
    if (task.siteId !== null && count(siteKey(task)) >= limits.perSite) continue;
    if (task.script !== null && task.scriptConcurrency !== null && count(scriptKey(task)) >= task.scriptConcurrency) continue;
    if (task.personId !== null && (membersLeft <= 0 || count(personKey(task)) >= limits.perPerson)) continue;
    if (task.personId !== null) membersLeft -= 1;
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

function personKey({ personId }: TaskPlace): string {
  return `person ${personId ?? "nobody"}`;
}
