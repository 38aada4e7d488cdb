import { openDatabase } from "../../src/db/database.ts";
import { PostgresScheduleQueue } from "../../src/db/schedules/postgres-schedule-queue.ts";
import { PostgresSiteStore } from "../../src/db/sites/postgres-site-store.ts";
import { type Log, silentLog } from "../../src/kit/log.ts";
import { createSeal } from "../../src/kit/seal.ts";
import { Scheduler, type SchedulerDeps } from "../../src/worker/scheduler.ts";
import { newTask } from "./stores/task-builders.ts";

/** A scheduler with a pool of its own, as in a worker; every script is there. */
export function startScheduler(
  url: string,
  changes: Partial<SchedulerDeps> & { readonly log?: Log } = {},
): { readonly scheduler: Scheduler } & AsyncDisposable {
  const { log = silentLog() } = changes;
  const db = openDatabase({ url, maxConnections: 5, log });
  const scheduler = new Scheduler({
    queue: new PostgresScheduleQueue(db, { usesBroker: false }),
    sites: new PostgresSiteStore(db),
    plan: async (_, { body }) => ({ task: newTask({ script: body.script ?? "none" }), site: null }),
    seal: createSeal(new Uint8Array(32), "schedule environment"),
    maxWaiting: 100_000,
    ...changes,
    log,
  });
  scheduler.start();
  const stop = async (): Promise<void> => {
    await scheduler.stop();
    await db.destroy();
  };
  return { scheduler, [Symbol.asyncDispose]: stop };
}
