import type { RunHost } from "#core/tasks/run-host.ts";
import type { TaskArchive } from "#core/tasks/task-archive.ts";
import type { Log } from "#kit/log.ts";

/** What sweeping old tasks needs. */
export interface TaskSweepDeps {
  readonly archive: TaskArchive;
  readonly host: Pick<RunHost, "forget">;
  readonly log: Log;
  readonly keepMs: number;
}

/** Few enough that a pass takes a second or two; the next one goes on. */
const batch = 200;

/** Deletes tasks that ended long ago with their output. The output goes first: what is left by a crash in between is found by its row. */
export async function sweepTasks(deps: TaskSweepDeps): Promise<void> {
  const { archive, host, log, keepMs } = deps;
  await archive.removeOldKeys();
  const uids = await archive.endedLongAgo({ olderThanMs: keepMs, limit: batch });
  if (uids.length === 0) return;
  const signal = AbortSignal.timeout(10_000);
  const forgotten: string[] = [];
  for (const uid of uids) {
    if (!(await host.forget(uid, signal))) break;
    forgotten.push(uid);
  }
  await archive.remove(forgotten);
  log.info({ count: forgotten.length }, "old tasks deleted");
}
