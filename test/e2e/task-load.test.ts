// Ten thousand tasks behind one that runs alone, and a disk that has no room for what tasks print.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import { describe, expect, test, vi } from "vitest";
import { cancelTask, readTaskLog } from "#contract/api/tasks.ts";
import type { Database } from "#db/database.ts";
import { cancelTasks } from "#db/tasks/task-changes.ts";
import { startBacklot } from "../support/backlot.ts";
import { openDatabaseOf } from "../support/backlot-database.ts";
import type { Person } from "../support/backlot-person.ts";
import { TaskLab } from "../support/backlot-tasks.ts";
import { mountSmallDisk } from "../support/small-disk.ts";

const many = 10_000;
/** Starting ten thousand scripts one after the other takes minutes: as many as this, or what a busy machine starts in the time. */
const [runs, runsWithinMs] = [500, 30_000];
/** Of those that are cancelled: so many by requests, the others by the statement that a request leads to. */
const cancelledByRequest = 500;
const testMs = 180_000;

describe("a script that runs once at a time, with ten thousand tasks", { timeout: testMs }, () => {
  test("runs them in order, holds up nobody else, and each ends in one way", async () => {
    await using backlot = await startBacklot({ environment: { BACKLOT_TASK_CONCURRENCY: "4" } });
    await using db = await openDatabaseOf(backlot);
    const lab = new TaskLab(backlot);
    await lab.script("alone.sh", "until [ -e alone.go ]; do sleep 0.05; done", "concurrency: 1\n");
    await lab.script("other.sh", "true");
    const first = await lab.create({ script: "alone.sh" });
    await lab.running(first.uid);
    await repeatTask(db, first.uid, many - 1);
    expect(await states(db)).toEqual({ queued: many - 1, running: 1 });

    const waits: number[] = [];
    for (let time = 0; time < 3; time += 1) {
      const { uid } = await lab.create({ script: "other.sh" });
      const { createdAt, startedAt } = await lab.ended(uid);
      waits.push(Date.parse(startedAt ?? "") - Date.parse(createdAt));
    }
    // The least of three: the machine may be busy with something else for a moment.
    expect(Math.min(...waits)).toBeLessThan(1_000);
    expect(await states(db)).toEqual({ queued: many - 1, running: 1 });

    await writeFile(join(backlot.data, "homedir", "alone.go"), "");
    const untilMs = Date.now() + runsWithinMs;
    await vi.waitFor(async () => expect((await states(db)).succeeded ?? 0).toBeGreaterThanOrEqual(Date.now() < untilMs ? runs : 50), {
      timeout: testMs,
      interval: 200,
    });
    await cancelAll(db, await backlot.admin());
    await vi.waitFor(async () => expect(Object.keys(await states(db)).toSorted()).toEqual(["cancelled", "succeeded"]), { timeout: testMs, interval: 100 });

    const rows = await db
      .selectFrom("tasks")
      .select(["uid", "state", "startedAt", "finishedAt", "attempt"])
      .where("script", "=", "alone.sh")
      .orderBy("id")
      .execute();
    expect(rows).toHaveLength(many);
    const started = await startedUids(backlot.data);
    const isStarted = new Set(started);
    const order = new Map(rows.map(({ uid }, index) => [uid, index]));
    // Each line is a start: none comes twice, and they come in the order in which they were queued.
    expect(isStarted.size).toBe(started.length);
    const turns = started.flatMap((uid) => order.get(uid) ?? []);
    expect(turns).toEqual(turns.toSorted((one, other) => one - other));
    expect(rows.filter(({ uid, state }) => state === "succeeded" && !isStarted.has(uid))).toEqual([]);
    // One may have been running when it was cancelled.
    expect(rows.filter(({ uid, state }) => state === "cancelled" && isStarted.has(uid)).length).toBeLessThanOrEqual(1);
    const succeeded = rows.filter(({ state }) => state === "succeeded");
    expect(new Set(succeeded.map(({ attempt }) => attempt))).toEqual(new Set([1]));
    const overlaps = succeeded.filter(({ startedAt }, index) => index > 0 && Number(startedAt) < Number(succeeded[index - 1]?.finishedAt));
    expect(overlaps).toEqual([]);
  });
});

describe("a disk that is full", { timeout: testMs }, () => {
  test.runIf(process.getuid?.() === 0)("costs a task its output and nothing else", async () => {
    await using disk = await mountSmallDisk(64);
    await using backlot = await startBacklot({ environment: { BACKLOT_TASK_STDOUT: disk.folder } });
    const processes = () => backlot.processes().flatMap(({ pid, command }) => (command.includes(" run ") ? [pid] : []));
    const before = processes();
    const lab = new TaskLab(backlot);
    await lab.script("prints.sh", "echo first; yes | head -c 500000; echo done > done.txt");
    await lab.script("words.sh", "echo words; echo complaint >&2; exit 3");
    const prints = await lab.create({ script: "prints.sh" });
    expect(await lab.ended(prints.uid)).toMatchObject({ state: "succeeded", code: 0, stdoutBytes: 500_006, isOutputCut: true });
    expect(await readFile(join(backlot.data, "homedir", "done.txt"), "utf8")).toBe("done\n");
    // Nothing is left for this one's output; what it complains of lies elsewhere.
    const words = await lab.create({ script: "words.sh" });
    expect(await lab.ended(words.uid)).toMatchObject({ state: "failed", code: 3, isOutputCut: true });
    const { client } = await backlot.admin();
    const read = async (uid: string, stream: "stdout" | "stderr") => (await client.fetch(readTaskLog, { params: { uid, stream } })).text();
    expect(await read(prints.uid, "stdout")).toMatch(/^first\ny\ny\n/);
    expect(await read(words.uid, "stderr")).toBe("complaint\n");
    expect(processes()).toEqual(before);
    expect(await lab.startCounts()).toEqual({ 1: 2 });
  });
});

/** Queues a waiting task's like so many times more, as rows: ten thousand requests would be a test of requests. */
async function repeatTask(db: Database, uid: string, times: number): Promise<void> {
  await sql`
    insert into tasks (uid, program, script, arguments, retry, limits, script_concurrency, created_by_id, created_by)
    select gen_random_uuid(), program, script, arguments, retry, limits, script_concurrency, created_by_id, created_by
    from tasks cross join generate_series(1, ${times}) where uid = ${uid}`.execute(db);
}

/** How many of the script's tasks are in each state. */
async function states(db: Database): Promise<Readonly<Record<string, number>>> {
  const counts = db
    .selectFrom("tasks")
    .select(["state", (of) => of.fn.countAll<number>().as("count")])
    .where("script", "=", "alone.sh")
    .groupBy("state");
  return Object.fromEntries((await counts.execute()).map(({ state, count }) => [state, Number(count)]));
}

/** Cancels all that wait or run, the last ones first: with requests side by side, and meanwhile the others. */
async function cancelAll(db: Database, { client }: Person): Promise<void> {
  const open = await db.selectFrom("tasks").select(["id", "uid"]).where("state", "in", ["queued", "running"]).orderBy("id", "desc").execute();
  const asked = open.slice(0, cancelledByRequest);
  const others = open.slice(cancelledByRequest).map(({ id }) => id);
  const ask = async (): Promise<void> => {
    for (let task = asked.pop(); task !== undefined; task = asked.pop()) await client.call(cancelTask, { params: { uid: task.uid } });
  };
  const batches = Array.from({ length: Math.ceil(others.length / 500) }, (_, batch) => others.slice(batch * 500, (batch + 1) * 500));
  const write = async (): Promise<void> => {
    for (const ids of batches) await db.transaction().execute((change) => cancelTasks(change, ids, null));
  };
  await Promise.all([write(), ...Array.from({ length: 20 }, ask)]);
}

/** The task of each start, in order. */
async function startedUids(data: string): Promise<readonly string[]> {
  const text = await readFile(join(data, "homedir", "starts.log"), "utf8");
  return text.split("\n").flatMap((line) => (line === "" ? [] : (line.split(" ")[0] ?? "")));
}
