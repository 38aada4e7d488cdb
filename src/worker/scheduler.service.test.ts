import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Failure } from "#contract/failure.ts";
import { parseCron } from "#core/schedules/cron.ts";
import { runUid } from "#core/schedules/run-uid.ts";
import type { NewSchedule } from "#core/schedules/schedule-store.ts";
import { openDatabase } from "#db/database.ts";
import { createStores, createWorkerStores } from "#db/stores.ts";
import { silentLog } from "#kit/log.ts";
import { childEnvironment } from "../../test/support/child-environment.ts";
import { startScheduler } from "../../test/support/scheduler-under-test.ts";
import { aSchedule, newSchedule, onlyDue } from "../../test/support/stores/schedule-builders.ts";
import { anActor, aSite, type StoreContext } from "../../test/support/stores/store-builders.ts";
import { newTask } from "../../test/support/stores/task-builders.ts";
import { createTestDatabase } from "../../test/support/test-database.ts";

let context: StoreContext;
const cleanUp = new AsyncDisposableStack();
const patience = { timeout: 20_000, interval: 10 };
/** A full hour some days ago. */
const dueAt = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000 - 10 * 86_400_000);
/** A year apart: none but the first moment is due. */
const yearly = { cron: `0 ${dueAt.getUTCHours()} ${dueAt.getUTCDate()} ${dueAt.getUTCMonth() + 1} *`, nextAt: dueAt };

beforeAll(async () => {
  const database = cleanUp.use(await createTestDatabase());
  const db = cleanUp.adopt(openDatabase({ url: database.url, maxConnections: 5, log: silentLog() }), (opened) => opened.destroy());
  const worker = createWorkerStores(db);
  const stores = { ...createStores(db), reconcilerSites: worker.sites, operationQueue: worker.queue, taskQueue: worker.tasks, scheduleQueue: worker.schedules };
  context = { db, stores: { ...stores, reconcilerDatabases: worker.databases }, url: database.url };
});
afterAll(() => cleanUp.disposeAsync());

async function due(count: number, changes: Partial<NewSchedule> = {}) {
  await onlyDue(context.db, []);
  const actor = await anActor(context, "administrator");
  const made: Awaited<ReturnType<typeof aSchedule>>[] = [];
  for (let i = 0; i < count; i++) made.push(await aSchedule(context, actor, { ...yearly, ...changes }));
  return made;
}

const uidsOf = async (ids: readonly string[]): Promise<readonly string[]> =>
  (await context.db.selectFrom("tasks").select("uid").where("scheduleId", "in", ids).orderBy("id").execute()).map(({ uid }) => uid);
const waitUntilNoneDue = () => vi.waitFor(async () => expect(await context.stores.scheduleQueue.nextDueMs()).not.toBeLessThan(60_000), patience);

test("two schedulers on one database fire each of 200 due moments once", async () => {
  const schedules = await due(200);
  await using _one = startScheduler(context.url);
  await using _other = startScheduler(context.url);
  await waitUntilNoneDue();
  const expected = schedules.map(({ id }) => runUid(id, dueAt));
  expect([...(await uidsOf(schedules.map(({ id }) => id)))].sort()).toEqual(expected.sort());
  const rows = await context.db
    .selectFrom("schedules")
    .select(["nextAt", "problem"])
    .where(
      "id",
      "in",
      schedules.map(({ id }) => id),
    )
    .execute();
  for (const row of rows) expect(row).toEqual({ nextAt: parseCron(yearly.cron, "UTC").after(dueAt), problem: null });
});

test("schedulers that are killed again and again leave nothing half done, and nothing twice", async () => {
  const schedules = await due(60);
  const ids = schedules.map(({ id }) => id);
  let kills = 0;
  for (let left = ids.length; left > 0; ) {
    const child = spawnScheduler();
    // The more are planned, the later: every point between claim and commit is met.
    let planned = 0;
    const mostPlanned = 3 + kills * 4;
    child.stdout?.on("data", (lines: Buffer) => {
      planned += lines.toString().split("\n").length - 1;
      if (planned >= mostPlanned) child.kill("SIGKILL");
    });
    const exited = once(child, "exit");
    const watch = setInterval(async () => {
      if ((await remaining(ids)) === 0) child.kill("SIGKILL");
    }, 50);
    await exited;
    clearInterval(watch);
    kills += 1;
    left = await remaining(ids);
    await expectConsistent(ids);
  }
  expect(kills).toBeGreaterThan(3);
  expect([...(await uidsOf(ids))].sort()).toEqual(ids.map((id) => runUid(id, dueAt)).sort());
});

function spawnScheduler(): ChildProcess {
  const program = fileURLToPath(new URL("../../test/support/scheduler-process.ts", import.meta.url));
  return spawn(process.execPath, [program, context.url], { env: childEnvironment, stdio: ["ignore", "pipe", "inherit"] });
}

async function remaining(ids: readonly string[]): Promise<number> {
  return (await context.db.selectFrom("schedules").select("id").where("id", "in", ids).where("nextAt", "=", dueAt).execute()).length;
}

/** A schedule has moved on if, and only if, its task is there. */
async function expectConsistent(ids: readonly string[]): Promise<void> {
  const { rows } = await sql<{ moved: boolean; tasks: number }>`
    select next_at > ${dueAt} as moved, (select count(*) from tasks where schedule_id = schedules.id) as tasks from schedules
    where id = any(${ids}::uuid[])`.execute(context.db);
  for (const row of rows) expect(row.tasks).toBe(row.moved ? 1 : 0);
}

test("a scheduler goes on when the database ended its connections", async () => {
  const schedules = await due(30);
  const ids = schedules.map(({ id }) => id);
  let planned = 0;
  await using _scheduler = startScheduler(context.url, {
    leaseMs: 200,
    plan: async (_, { body }) => {
      planned += 1;
      if (planned % 7 === 0 && planned < 25) {
        await sql`select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()`.execute(context.db);
      }
      return { task: newTask({ script: body.script ?? "none" }), site: null };
    },
  });
  await vi.waitFor(async () => expect(await remaining(ids)).toBe(0), patience);
  expect([...(await uidsOf(ids))].sort()).toEqual(ids.map((id) => runUid(id, dueAt)).sort());
});

test("what falls due soon is waited for, and what a person makes or changes is heard of", async () => {
  await onlyDue(context.db, []);
  await using running = startScheduler(context.url, { mostIdleMs: 60_000 });
  const actor = await anActor(context, "administrator");
  const soon = new Date(Math.ceil(Date.now() / 1000) * 1000 + 1000);
  const schedule = await aSchedule(context, actor, { cron: `${soon.getUTCSeconds()} ${soon.getUTCMinutes()} * * * *`, nextAt: soon });
  running.scheduler.hint();
  await vi.waitFor(async () => expect(await uidsOf([schedule.id])).toHaveLength(1), patience);
  const [task] = await context.db.selectFrom("tasks").select("createdAt").where("scheduleId", "=", schedule.id).execute();
  const lateMs = (task?.createdAt.getTime() ?? 0) - soon.getTime();
  expect(lateMs).toBeGreaterThanOrEqual(0);
  expect(lateMs).toBeLessThan(1_000);
  await context.stores.schedules.delete(schedule);
});

test.each([
  ["none", 0],
  ["last", 1],
  ["all", 100],
] as const)("after days of downtime the runs are made up for as the policy says (%s)", async (catchUp, count) => {
  // Every hour, and at no moment near this one: what fell due just now is late, but was not missed.
  const minute = (new Date().getUTCMinutes() + 30) % 60;
  const [schedule] = await due(1, { catchUp, cron: `${minute} * * * *` });
  if (schedule === undefined) throw new Error("no schedule");
  await using _scheduler = startScheduler(context.url);
  await vi.waitFor(async () => expect(await remaining([schedule.id])).toBe(0), patience);
  expect(await uidsOf([schedule.id])).toHaveLength(count);
});

test("a schedule whose person was removed from the site pauses with the reason in the audit trail, and runs no more", async () => {
  await onlyDue(context.db, []);
  const { actor, site } = await aSite(context);
  const editor = await anActor(context);
  await context.stores.sites.setMember(site, editor.user.id, "editor");
  const schedule = await context.stores.schedules.create(editor, newSchedule(editor, { ...yearly, siteId: site.id }), { most: 10 });
  await context.stores.sites.removeMember(site, editor.user.id);
  await using _scheduler = startScheduler(context.url);
  await vi.waitFor(async () => expect(await context.stores.schedules.forActor(actor, schedule.id)).toMatchObject({ isPaused: true }), patience);
  const paused = await context.stores.schedules.forActor(actor, schedule.id);
  expect(paused?.problem).toContain(`${editor.user.username}, on whose behalf it runs, may not run tasks in the site ${site.name} any more.`);
  expect(await uidsOf([schedule.id])).toEqual([]);
  const [entry] = (await context.stores.audit.listFor(site, { limit: 1 })).items;
  expect(entry).toMatchObject({ action: "schedules.pause", door: "system", siteName: site.name, details: { schedule: schedule.id, problem: paused?.problem } });
});

test("a schedule waits for an orchestrator that is away, and says so meanwhile", async () => {
  const [schedule] = await due(1);
  if (schedule === undefined) throw new Error("no schedule");
  const away = new Failure("component_away", { component: "orchestrator" });
  let isAway = true;
  await using running = startScheduler(context.url, {
    plan: async () => {
      if (isAway) throw away;
      return { task: newTask(), site: null };
    },
  });
  const problem = async () => (await context.db.selectFrom("schedules").select("problem").where("id", "=", schedule.id).executeTakeFirstOrThrow()).problem;
  await vi.waitFor(async () => expect(await problem()).toBe(away.message), patience);
  expect(await remaining([schedule.id])).toBe(1);
  isAway = false;
  // Ten seconds later it is tried again by itself; here the time is not waited for.
  await context.db.updateTable("schedules").set({ leaseUntil: null }).where("id", "=", schedule.id).execute();
  running.scheduler.hint();
  await vi.waitFor(async () => expect(await uidsOf([schedule.id])).toEqual([runUid(schedule.id, dueAt)]), patience);
  expect(await problem()).toBeNull();
});
