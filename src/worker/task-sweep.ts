import type { RunHost } from "#core/tasks/run-host.ts";
import type { Task } from "#core/tasks/task.ts";
import type { TaskArchive } from "#core/tasks/task-archive.ts";
import type { Clock } from "#kit/clock.ts";
import type { Log } from "#kit/log.ts";

/** What sweeping old tasks needs. */
export interface TaskSweepDeps {
  readonly archive: TaskArchive;
  readonly host: Pick<RunHost, "forget" | "cancel">;
  readonly clock: Clock;
  readonly log: Log;
  readonly keepMs: number;
}

/** Few enough that little is done twice after a crash. */
const batch = 200;
/** How many are deleted at once. */
const atOnce = 8;
/** A pass takes no longer than this, and one answer neither; the next pass goes on. */
const mostMs = 10_000;

/** Deletes tasks that ended long ago with their output. The output goes first: what is left by a crash in between is found by its row. */
export async function sweepTasks(deps: TaskSweepDeps): Promise<void> {
  const { archive, clock, log, keepMs } = deps;
  await archive.removeLeftovers();
  const until = clock.now() + mostMs;
  const left = new Set<string>();
  let count = 0;
  while (clock.now() < until) {
    const found = await archive.endedLongAgo({ olderThanMs: keepMs, limit: batch + left.size });
    const old = found.filter(({ uid }) => !left.has(uid));
    if (old.length === 0) break;
    const forgotten = await forget(deps, old, until);
    await archive.remove(forgotten.uids);
    count += forgotten.uids.length;
    for (const uid of forgotten.running) left.add(uid);
    if (forgotten.isAway) break;
  }
  if (count > 0) log.info({ count }, "old tasks deleted");
}

type Old = Pick<Task, "uid" | "attempt">;

async function forget({ host, clock }: TaskSweepDeps, old: readonly Old[], until: number) {
  const done = { uids: [] as string[], running: [] as string[], isAway: false };
  for (let i = 0; i < old.length && !done.isAway && clock.now() < until; i += atOnce) {
    const signal = AbortSignal.timeout(mostMs);
    const some = old.slice(i, i + atOnce);
    const replies = await Promise.all(some.map((task) => host.forget(task.uid, signal)));
    for (const [n, task] of some.entries()) {
      if (replies[n] === "forgotten") done.uids.push(task.uid);
      if (replies[n] === "away") done.isAway = true;
      if (replies[n] !== "running") continue;
      done.running.push(task.uid);
      // It was given up while its host was silent, and goes on for nobody. When it has ended, a later pass deletes it.
      host.cancel(task, signal).catch(() => undefined);
    }
  }
  return done;
}
