import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addDatabase, readDatabase } from "#contract/api/database.ts";
import { changePath } from "#contract/api/files.ts";
import { setMember } from "#contract/api/members.ts";
import { createSchedule, deleteSchedule, overlapPolicies, readSchedule, type ScheduleView, updateSchedule } from "#contract/api/schedules.ts";
import { readStatus, sleepSite, updateSite, writeEnvironment } from "#contract/api/sites.ts";
import { createTask, followTask, listScriptsOfSite, listTasks, readTask, readTaskLog, type TaskBody, type TaskView, taskView } from "#contract/api/tasks.ts";
import { readEvents } from "#contract/events.ts";
import { isTaskEnded, type TaskState } from "#contract/task.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import { openDatabaseOf } from "../support/backlot-database.ts";
import type { Person } from "../support/backlot-person.ts";
import { TaskLab } from "../support/backlot-tasks.ts";
import { titled, whyNoSandbox } from "../support/needs.ts";

// The socket stands at its own place in a sandbox only.
const noSandbox = whyNoSandbox();

let backlot: Backlot;
let ann: Person;
let bob: Person;
let eve: Person;

const scripts: Readonly<Record<string, string>> = {
  "look.sh": 'echo "$COLOUR"; cat public/note.txt; echo seen > private/seen.txt; env | grep DATABASE | sort\nls; ls /run/postgresql -a | grep PGSQL || true\n',
  "wait.sh": "echo begun\nexec sleep 600\n",
  "tick.sh": 'echo "$TASK_UID"\n',
};

beforeAll(async () => {
  backlot = await startBacklot();
  ann = await backlot.addPerson("ann");
  bob = await backlot.addPerson("bob");
  eve = await backlot.addPerson("eve");
  await ann.createSite("shop", "dynamic", "node");
  await ann.put("shop", "public/note.txt", "a note of the shop\n");
  for (const [name, text] of Object.entries(scripts)) {
    const path = `private/scripts/${name}`;
    await ann.put("shop", path, `#!/bin/sh\n${text}`);
    await ann.client.call(changePath, { params: { name: "shop", "*": path }, body: { executable: true } });
  }
  const { operation } = await ann.client.call(writeEnvironment, { params: { name: "shop" }, body: { environment: { COLOUR: "green" } } });
  if (operation !== null) await ann.succeeded(operation);
  await ann.client.call(setMember, { params: { name: "shop", username: "bob" }, body: { role: "viewer" } });
});
afterAll(() => backlot[Symbol.asyncDispose]());

test("a member's script sees the files and variables of its site, and leaves the sleeping site asleep", async () => {
  await asleep();
  const task = await ended(await run({ script: "look.sh" }));
  expect(task).toMatchObject({ state: "succeeded", code: 0, site: "shop", createdBy: "ann" });
  const printed = (await output(task.uid)).split("\n");
  expect(printed.slice(0, 2)).toEqual(["green", "a note of the shop"]);
  expect(printed).toEqual(expect.arrayContaining(["private", "public", "run.sh"]));
  expect((await ann.get("shop", "private/seen.txt")).toString()).toBe("seen\n");
  expect(await state()).toBe("asleep");
  expect(programs()).toEqual([]);
});

test("beside a running program it leaves that one as it is", async () => {
  expect((await backlot.visit("shop")).status).toBe(200);
  const before = programs();
  expect(before).toHaveLength(1);
  expect(await ended(await run({ script: "look.sh" }))).toMatchObject({ state: "succeeded" });
  expect(programs()).toEqual(before);
  expect((await backlot.visit("shop")).status).toBe(200);
});

test.skipIf(noSandbox !== null)(titled("it sees the variables of the site's database, and its socket", noSandbox), async () => {
  await ann.succeeded((await ann.client.call(addDatabase, { params: { name: "shop" } })).operation);
  const { database } = await ann.client.call(readDatabase, { params: { name: "shop" } });
  const printed = (await output((await ended(await run({ script: "look.sh" }))).uid)).split("\n");
  for (const [name, value] of Object.entries(database?.variables ?? { NONE: "" })) expect(printed).toContain(`${name}=${value}`);
  expect(printed).toContain(".s.PGSQL.5432");
});

test("a viewer looks on and runs nothing; for a stranger there is nothing", async () => {
  const { uid } = await ended(await run({ script: "tick.sh" }));
  const params = { uid };
  expect((await bob.client.call(readTask, { params })).task).toMatchObject({ uid, you: { mayControl: false } });
  expect(await output(uid, bob)).toBe(`${uid}\n`);
  expect((await bob.client.call(listScriptsOfSite, { params: { name: "shop" } })).scripts.map(({ path }) => path)).toEqual(["look.sh", "tick.sh", "wait.sh"]);
  const body = { script: "tick.sh", site: "shop" };
  await expect(bob.client.call(createTask, { body })).rejects.toMatchObject({ code: "role_too_low", status: 404 });
  await expect(eve.client.call(createTask, { body })).rejects.toMatchObject({ code: "site_not_found", status: 404 });
  await expect(eve.client.call(readTask, { params })).rejects.toMatchObject({ code: "task_not_found", status: 404 });
  await expect(output(uid, eve)).rejects.toMatchObject({ code: "task_not_found", status: 404 });
  expect((await eve.client.call(listTasks, { query: {} })).tasks).toEqual([]);
});

test("when a site is disabled its waiting task is rejected, its running one is ended, both with a reason, and no new one is taken", async () => {
  const admin = await backlot.admin();
  const running = await until((await run({ script: "wait.sh" })).uid, "running");
  const waiting = await run({ script: "tick.sh", runAt: new Date(Date.now() + 4_000).toISOString() });
  const params = { name: "shop" };
  const { operation } = await admin.client.call(updateSite, { params, body: { availability: "disabled", reason: "a test" } });
  if (operation !== null) await admin.succeeded(operation);
  await expect(ann.client.call(createTask, { body: { script: "tick.sh", site: "shop" } })).rejects.toMatchObject({ code: "site_disabled" });
  expect(await ended(waiting, admin)).toMatchObject({ state: "rejected", reason: expect.stringContaining("disabled"), code: null });
  expect(await ended(running, admin)).toMatchObject({ state: "cancelled", reason: expect.stringContaining("disabled") });
  const back = await admin.client.call(updateSite, { params, body: { availability: "enabled", reason: "a test" } });
  if (back.operation !== null) await admin.succeeded(back.operation);
  expect(await ended(await run({ script: "tick.sh" }))).toMatchObject({ state: "succeeded" });
});

test("a schedule fires by itself, and after a stop over several moments the last one is made up for once", async () => {
  const body = { name: "tick", cron: "*/10 * * * * *", catchUp: "last", task: { script: "tick.sh", site: "shop" } } as const;
  const { schedule } = await ann.client.call(createSchedule, { body });
  await expect.poll(async () => (await runsOf(schedule)).length, { timeout: 25_000, interval: 250 }).toBeGreaterThan(0);
  expect(await ended((await runsOf(schedule))[0] as TaskView)).toMatchObject({ state: "succeeded", schedule: { name: "tick" } });

  await backlot.stop();
  const stopped = Date.now();
  // Moments pass by the clock alone: three of them, and whoever made up for all would be seen.
  await delay(31_000);
  await backlot.start();
  const sinceStop = async (): Promise<TaskView[]> => (await runsOf(schedule)).filter(({ createdAt }) => Date.parse(createdAt) > stopped);
  await expect.poll(async () => (await sinceStop()).length, { timeout: 20_000, interval: 100 }).toBeGreaterThan(0);
  await ann.client.call(updateSchedule, { params: { id: schedule.id }, body: { isPaused: true } });
  const late = (await sinceStop()).toReversed();
  // On a busy machine the next moment may come before the pause does.
  const momentsSince = Math.floor(Date.now() / 10_000) - Math.floor(Date.parse(late[0]?.createdAt ?? "") / 10_000);
  expect(late.length).toBeLessThanOrEqual(1 + momentsSince);
  for (const task of late) expect(await ended(task)).toMatchObject({ state: "succeeded" });
  const { lastRun } = (await ann.client.call(readSchedule, { params: { id: schedule.id } })).schedule;
  expect(lastRun?.uid).toBe(late.at(-1)?.uid);
  await ann.client.call(deleteSchedule, { params: { id: schedule.id } });
}, 180_000);

test("of a schedule whose script is not ready yet the next run takes its place, is left out or waits, as was chosen, and one goes on at a time", async () => {
  const admin = await backlot.admin();
  await using db = await openDatabaseOf(backlot);
  const lab = new TaskLab(backlot);
  // Whoever finds the lock taken runs beside another process of its schedule.
  await lab.script("held.sh", 'exec 9> "$1.lock"\nflock -n 9 || echo "$1" >> together.log\nuntil [ -e held.go ]; do sleep 0.05; done');
  const planned = await Promise.all(
    overlapPolicies.map(async (overlap) => {
      const body = { name: overlap, cron: "*/10 * * * * *", overlap, task: { script: "held.sh", arguments: [overlap] } };
      return [overlap, (await admin.client.call(createSchedule, { body })).schedule] as const;
    }),
  );
  const schedules = Object.fromEntries(planned) as Readonly<Record<(typeof overlapPolicies)[number], ScheduleView>>;
  /** Oldest first. */
  const runs = async (overlap: keyof typeof schedules) => (await runsOf(schedules[overlap], admin)).toReversed();
  const states = async (overlap: keyof typeof schedules) =>
    (await runs(overlap)).map(({ state, startedAt }) => (startedAt === null ? state : `${state} started`));
  const nextOf = async ({ id }: ScheduleView) => Number((await db.selectFrom("schedules").select("nextAt").where("id", "=", id).executeTakeFirst())?.nextAt);
  const patience = { timeout: 120_000, interval: 250 };

  await expect.poll(() => states("skip"), patience).toEqual(["running started"]);
  const next = await nextOf(schedules.skip);
  // One that ran was cancelled, and a later one runs.
  await expect.poll(async () => (await states("replace")).join(), patience).toMatch(/cancelled started,.*running started/);
  await expect.poll(async () => (await states("queue")).slice(0, 2), patience).toEqual(["running started", "queued"]);
  // Its next moment has come, and made nothing.
  await expect.poll(() => nextOf(schedules.skip), patience).toBeGreaterThan(next);
  expect(await states("skip")).toEqual(["running started"]);

  for (const { id } of Object.values(schedules)) await admin.client.call(updateSchedule, { params: { id }, body: { isPaused: true } });
  await writeFile(join(backlot.data, "homedir", "held.go"), "");
  const ends = async (overlap: keyof typeof schedules) => Promise.all((await runs(overlap)).map((task) => ended(task, admin)));
  const replaced = await ends("replace");
  expect(replaced.pop()).toMatchObject({ state: "succeeded" });
  expect(new Set(replaced.map(({ state }) => state))).toEqual(new Set(["cancelled"]));
  expect((await ends("skip")).map(({ state }) => state)).toEqual(["succeeded"]);
  const queued = await ends("queue");
  expect(new Set(queued.map(({ state }) => state))).toEqual(new Set(["succeeded"]));
  for (const [index, { startedAt }] of queued.entries())
    expect(Date.parse(startedAt ?? "")).toBeGreaterThanOrEqual(Date.parse(queued[index - 1]?.finishedAt ?? "1970"));
  expect(new Set((await lab.starts()).values())).toEqual(new Set([1]));
  await expect(readFile(join(backlot.data, "homedir", "together.log"), "utf8")).rejects.toMatchObject({ code: "ENOENT" });
  for (const { id } of Object.values(schedules)) await admin.client.call(deleteSchedule, { params: { id } });
}, 400_000);

async function run(body: Partial<TaskBody> & { readonly script: string }): Promise<TaskView> {
  return (await ann.client.call(createTask, { body: { site: "shop", ...body } })).task;
}

/** Follows a task until it is in a state, or has ended. */
async function until(uid: string, wanted: TaskState | null, person = ann): Promise<TaskView> {
  const response = await person.client.fetch(followTask, { params: { uid }, signal: AbortSignal.timeout(60_000) });
  if (response.body !== null) {
    for await (const event of readEvents(response.body)) {
      const task = taskView.parse(JSON.parse(event.data));
      if (task.state === wanted || isTaskEnded(task.state)) return task;
    }
  }
  throw new Error(`task ${uid} did not get there`);
}

const ended = (task: TaskView, person = ann): Promise<TaskView> => until(task.uid, null, person);

async function output(uid: string, person = ann): Promise<string> {
  const response = await person.client.fetch(readTaskLog, { params: { uid, stream: "stdout" } });
  return response.text();
}

async function runsOf(schedule: ScheduleView, person = ann): Promise<readonly TaskView[]> {
  return (await person.client.call(listTasks, { query: { schedule: schedule.id } })).tasks;
}

async function state(): Promise<string> {
  return (await ann.client.call(readStatus, { params: { name: "shop" } })).state;
}

async function asleep(): Promise<void> {
  if ((await state()) !== "asleep") await ann.succeeded((await ann.client.call(sleepSite, { params: { name: "shop" } })).operation);
  expect(await state()).toBe("asleep");
}

/** The numbers of the site's own programs on this machine. */
function programs(): readonly number[] {
  return backlot
    .processes()
    .filter(({ command }) => command.includes("server.js"))
    .map(({ pid }) => pid);
}
