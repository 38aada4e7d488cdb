import type { RunHost } from "#core/tasks/run-host.ts";
import type { OldTask, TaskArchive } from "#core/tasks/task-archive.ts";
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

/**
 * Deletes tasks that ended long ago with their output. The output goes first: what is left by a crash in between is found by its row.
 * Tells where the next pass goes on, null for the oldest: what is left, since its host is away, must not hold up what comes behind it.
 */
export async function sweepTasks(deps: TaskSweepDeps, from: OldTask | null): Promise<OldTask | null> {
  const { archive, clock, log, keepMs } = deps;
  await archive.removeLeftovers();
  const until = clock.now() + mostMs;
  let [behind, count] = [from, 0];
  while (clock.now() < until) {
    const old = await archive.endedLongAgo({ olderThanMs: keepMs, limit: batch, behind });
    if (old.length === 0) {
      behind = null;
      break;
    }
    const forgotten = await forget(deps, old, until);
    await archive.remove(forgotten.uids);
    count += forgotten.uids.length;
    behind = forgotten.last;
    // Nobody seems to be there. Should it be one of several hosts, the next pass is behind these.
    if (forgotten.away === old.length) break;
  }
  if (count > 0) log.info({ count }, "old tasks deleted");
  return behind;
}

async function forget({ host, clock }: TaskSweepDeps, old: readonly OldTask[], until: number) {
  const done = { uids: [] as string[], away: 0, last: null as OldTask | null };
  for (let i = 0; i < old.length && (i === 0 || clock.now() < until); i += atOnce) {
    const signal = AbortSignal.timeout(mostMs);
    const some = old.slice(i, i + atOnce);
    const replies = await Promise.all(some.map((task) => host.forget(task.uid, signal)));
    for (const [n, task] of some.entries()) {
      done.last = task;
      if (replies[n] === "forgotten") done.uids.push(task.uid);
      if (replies[n] === "away") done.away += 1;
      // It was given up while its host was silent, and goes on for nobody. When it has ended, a later pass deletes it.
      if (replies[n] === "running") host.cancel(task, signal).catch(() => undefined);
    }
  }
  return done;
}
