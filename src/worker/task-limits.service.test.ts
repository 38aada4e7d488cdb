import { setTimeout as delay } from "node:timers/promises";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { ClaimedTask } from "#core/tasks/task-queue.ts";
import { TaskRunner } from "#core/tasks/task-runner.ts";
import { systemTime } from "#core/tasks/task-time.ts";
import { type Database, openDatabase } from "#db/database.ts";
import { createStores, createWorkerStores } from "#db/stores.ts";
import { silentLog } from "#kit/log.ts";
import { aSite, type StoreContext } from "../../test/support/stores/store-builders.ts";
import { anOutcome, queueTask } from "../../test/support/stores/task-builders.ts";
import { createTestDatabase, type TestDatabase } from "../../test/support/test-database.ts";
import { NotifyWakeups } from "./notify-wakeups.ts";

let database: TestDatabase;
let db: Database;
let context: StoreContext;

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, maxConnections: 24, log: silentLog() });
  const worker = createWorkerStores(db);
  context = {
    db,
    stores: {
      ...createStores(db),
      reconcilerSites: worker.sites,
      reconcilerDatabases: worker.databases,
      operationQueue: worker.queue,
      taskQueue: worker.tasks,
      scheduleQueue: worker.schedules,
    },
    url: database.url,
  };
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});
beforeEach(async () => {
  await db.deleteFrom("tasks").execute();
});

const perSite = 2;

/** How many run at this moment, by what limits ask for. The highest that was ever seen is kept. */
class Watch {
  readonly #running = new Map<string, number>();
  readonly most = new Map<string, number>();
  readonly started: string[] = [];

  enter(task: ClaimedTask): void {
    this.started.push(`${task.uid} ${task.attempt}`);
    for (const key of keysOf(task)) {
      const count = (this.#running.get(key) ?? 0) + 1;
      this.#running.set(key, count);
      this.most.set(key, Math.max(this.most.get(key) ?? 0, count));
    }
  }

  leave(task: ClaimedTask): void {
    for (const key of keysOf(task)) this.#running.set(key, (this.#running.get(key) ?? 0) - 1);
  }
}

function keysOf(task: ClaimedTask): readonly string[] {
  const script = task.program.kind === "script" ? [`${task.site?.name ?? "home"} ${task.program.path}`] : [];
  return task.site === null ? script : [...script, `site ${task.site.name}`];
}

test("twenty claimers never exceed a limit, start nothing twice and leave nothing behind", async () => {
  const { site } = await aSite(context);
  const { site: other } = await aSite(context);
  for (let i = 0; i < 30; i++) {
    await queueTask(context, { script: "once.sh", scriptConcurrency: 1, priority: i % 3 });
    await queueTask(context, { script: "thrice.sh", scriptConcurrency: 3 });
    await queueTask(context, { siteId: site.id });
    await queueTask(context, { siteId: other.id, script: "once.sh", scriptConcurrency: 1 });
    await queueTask(context, { script: "free.sh" });
  }
  const watch = new Watch();
  const { taskQueue } = context.stores;
  const isAnyLeft = async (): Promise<boolean> => {
    const row = await db.selectFrom("tasks").select("id").where("state", "in", ["queued", "running"]).limit(1).executeTakeFirst();
    return row !== undefined;
  };
  const claimer = async (worker: string): Promise<void> => {
    while (await isAnyLeft()) {
      const claimed = await taskQueue.claim({ worker, leaseMs: 60_000, limit: 1 + (watch.started.length % 3), perSite });
      for (const task of claimed) watch.enter(task);
      // Long enough for others to claim meanwhile.
      await delay(5);
      for (const task of claimed) {
        // Left before the row says so: whoever is claimed because of that comes later.
        watch.leave(task);
        expect(await taskQueue.finish(task, anOutcome())).toBe(true);
      }
    }
  };
  // Each overtakes those that wait: a claimer that has looked already has another one in mind than the next.
  const producer = async (): Promise<void> => {
    for (let i = 1; i <= 90; i++) await queueTask(context, { script: "once.sh", scriptConcurrency: 1, priority: 3 + i });
  };
  await Promise.all([producer(), ...Array.from({ length: 20 }, (_, number) => claimer(`w${number}`))]);
  expect(watch.started).toHaveLength(240);
  expect(new Set(watch.started).size).toBe(240);
  expect(watch.most.get("home once.sh")).toBe(1);
  expect(watch.most.get("home thrice.sh")).toBeLessThanOrEqual(3);
  expect(watch.most.get(`site ${site.name}`)).toBeLessThanOrEqual(perSite);
  expect(watch.most.get(`${other.name} once.sh`)).toBe(1);
}, 120_000);

test("of what may run, the higher priority goes first, whoever claims", async () => {
  const priorities: number[] = [];
  for (let i = 0; i < 40; i++) await queueTask(context, { priority: (i * 7) % 11 });
  for (let claimed = [undefined] as readonly unknown[]; claimed.length > 0; ) {
    const tasks = await context.stores.taskQueue.claim({ worker: `w${priorities.length}`, leaseMs: 60_000, limit: 3, perSite });
    priorities.push(...tasks.map(({ priority }) => priority));
    claimed = tasks;
  }
  expect(priorities).toEqual(priorities.toSorted((one, other) => other - one));
  expect(priorities).toHaveLength(40);
});

test("of ten thousand queued tasks of a script that runs once at a time the first two hundred start once each, one after the other, by two workers", async () => {
  await queueTask(context, { script: "once.sh", scriptConcurrency: 1 });
  await sql`insert into tasks (uid, program, script, arguments, retry, limits, script_concurrency)
    select gen_random_uuid(), program, script, arguments, retry, limits, 1 from (select * from tasks limit 1) as one, generate_series(2, 10000)`.execute(db);
  const watch = new Watch();
  const runners = ["w1", "w2"].map((worker) => runnerOf(worker, watch));
  await Promise.all(runners.map((runner) => runner.start()));
  // All of them take minutes on a busy machine: what goes wrong goes wrong among the first.
  await expect.poll(() => watch.started.length, { timeout: 100_000, interval: 50 }).toBeGreaterThan(200);
  await Promise.all(runners.map((runner) => runner.stop()));
  expect(new Set(watch.started).size).toBe(watch.started.length);
  expect(watch.most.get("home once.sh")).toBe(1);
  const counts = await sql<{ state: string; count: number }>`select state, count(*) from tasks group by state order by state`.execute(db);
  expect(counts.rows.filter(({ state }) => state !== "running").map(({ state }) => state)).toEqual(["queued", "succeeded"]);
  expect(counts.rows.reduce((sum, { count }) => sum + count, 0)).toBe(10_000);
}, 120_000);

/** A worker whose runs end at once. */
function runnerOf(worker: string, watch: Watch): TaskRunner {
  const at = new Date();
  const { result } = anOutcome();
  return new TaskRunner({
    ...{ queue: context.stores.taskQueue, wakeups: new NotifyWakeups(), time: systemTime, log: silentLog(), worker, concurrency: 4, perSite },
    ...{ leaseMs: 30_000, runLostMs: 60_000, random: Math.random },
    host: {
      put: async (task) => {
        watch.enter(task);
        await delay(1);
        watch.leave(task);
        return { kind: "run", run: { state: "ended", startedAt: at, finishedAt: at, result, message: null } };
      },
      follow: async () => ({ kind: "unknown" }),
      cancel: async () => ({ kind: "unknown" }),
      forget: async () => "forgotten",
    },
  });
}
