// Ten thousand tasks behind one that runs alone, and a disk that has no room for what tasks print. BACKLOT_TEST_LARGE=1 runs all ten thousand.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { cancelTask, readTaskLog } from "#contract/api/tasks.ts";
import type { Database } from "#db/database.ts";
import { cancelTasks } from "#db/tasks/task-changes.ts";
import { startBacklot } from "../support/backlot.ts";
import { openDatabaseOf } from "../support/backlot-database.ts";
import type { Person } from "../support/backlot-person.ts";
import { TaskLab } from "../support/backlot-tasks.ts";
import { titled, whyNoMounts } from "../support/needs.ts";
import { mountSmallDisk } from "../support/small-disk.ts";
import { newTask } from "../support/stores/task-builders.ts";
import { endWorker, openWorkerStage } from "../support/worker-stage.ts";

const many = 10_000;
const isLarge = process.env.BACKLOT_TEST_LARGE === "1";
/** Ten thousand sandboxes one after the other take a quarter of an hour or more: so many of the first run in real ones, the others are cancelled. */
const reallyRun = isLarge ? many : 60;
/** So many run in pretended ones, of so many scripts: what is to be seen does not grow with them. */
const pretended = { tasks: 1_000, scripts: 50 };
/** Of those that are cancelled: so many by requests, the others by the statement that a request leads to. */
const cancelledByRequest = 150;
const testMs = isLarge ? 7_200_000 : 600_000;

describe("a crowd of tasks of scripts that run once at a time", { timeout: testMs }, () => {
  test("all run, each once, in order and none beside another of its script, through a worker that is killed in between", async () => {
    await using stage = await openWorkerStage();
    const { runs } = stage.orchestrator.state;
    // Pretended runs end at once: what is shown is the queue's.
    await queueMany(stage.db);
    await using stack = new AsyncDisposableStack();
    const settings = { BACKLOT_TASK_CONCURRENCY: "16" };
    const [first] = [stack.use(stage.startWorker(settings)), stack.use(stage.startWorker(settings))];
    await expect.poll(() => runs.starts.length, { timeout: testMs, interval: 20 }).toBeGreaterThan(pretended.tasks / 4);
    await endWorker(first, "SIGKILL");
    stack.use(stage.startWorker(settings));
    await expect.poll(() => states(stage.db), { timeout: testMs, interval: 100 }).toEqual({ succeeded: pretended.tasks });

    // The pretended orchestrator counts each attempt that it started: none twice, and no second attempt of anything.
    expect([runs.starts.length, new Set(runs.starts.map(({ uid }) => uid)).size]).toEqual([pretended.tasks, pretended.tasks]);
    expect(new Set(runs.starts.map(({ spec }) => spec.attempt))).toEqual(new Set([1]));
    const rows = await stage.db.selectFrom("tasks").select(["script", "startedAt", "finishedAt"]).orderBy("id").execute();
    for (const tasks of Map.groupBy(rows, ({ script }) => script).values()) {
      expect(tasks).toHaveLength(pretended.tasks / pretended.scripts);
      expect(tasks.filter(({ startedAt }, index) => index > 0 && Number(startedAt) < Number(tasks[index - 1]?.finishedAt))).toEqual([]);
    }
  });

  const fate = isLarge
    ? "all run, each once and in order"
    : `the first ${reallyRun} run, each once and in order, and each of the others that are cancelled meanwhile ends in one way`;
  test(`ten thousand of one script hold up nobody else: ${fate}`, async () => {
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
    // A moment, however slow the machine is: the ten thousand before it would take hours. And not one of them has started meanwhile.
    expect(Math.min(...waits)).toBeLessThan(15_000);
    expect(await states(db)).toEqual({ queued: many - 1, running: 1 });

    await writeFile(join(backlot.data, "homedir", "alone.go"), "");
    await cancelAfter(db, await backlot.admin(), reallyRun);
    const unended = async (): Promise<number> => {
      const { queued = 0, running = 0 } = await states(db);
      return queued + running;
    };
    await expect.poll(unended, { timeout: testMs, interval: isLarge ? 2_000 : 100 }).toBe(0);

    const rows = await db
      .selectFrom("tasks")
      .select(["uid", "state", "startedAt", "finishedAt", "attempt"])
      .where("script", "=", "alone.sh")
      .orderBy("id")
      .execute();
    const counts = await states(db);
    expect(Object.keys(counts).toSorted()).toEqual(isLarge ? ["succeeded"] : ["cancelled", "succeeded"]);
    expect((counts.cancelled ?? 0) + (counts.succeeded ?? 0)).toBe(many);
    expect(new Set(rows.slice(0, reallyRun).map(({ state }) => state))).toEqual(new Set(["succeeded"]));
    // Each line is a start: none comes twice, and they come in the order in which they were queued.
    const succeeded = rows.filter(({ state }) => state === "succeeded");
    expect(await startedUids(backlot.data, rows)).toEqual(succeeded.map(({ uid }) => uid));
    expect(new Set(succeeded.map(({ attempt }) => attempt))).toEqual(new Set([1]));
    const overlaps = succeeded.filter(({ startedAt }, index) => index > 0 && Number(startedAt) < Number(succeeded[index - 1]?.finishedAt));
    expect(overlaps).toEqual([]);
  });
});

describe("a disk that is full", { timeout: testMs }, () => {
  test.skipIf(whyNoMounts() !== null)(titled("costs a task its output and nothing else", whyNoMounts()), async () => {
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
    .where("script", "like", "alone.sh%")
    .groupBy("state");
  return Object.fromEntries((await counts.execute()).map(({ state, count }) => [state, Number(count)]));
}

/** Cancels all behind the first ones, the last ones first: with requests side by side, and meanwhile the others. */
async function cancelAfter(db: Database, { client }: Person, first: number): Promise<void> {
  const rows = await db.selectFrom("tasks").select(["id", "uid"]).where("script", "=", "alone.sh").orderBy("id").execute();
  const open = rows.slice(first).toReversed();
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

/** The starts of these tasks, in order. */
async function startedUids(data: string, tasks: readonly { readonly uid: string }[]): Promise<readonly string[]> {
  const known = new Set(tasks.map(({ uid }) => uid));
  const text = await readFile(join(data, "homedir", "starts.log"), "utf8");
  return text
    .split("\n")
    .flatMap((line) => line.split(" ")[0] ?? "")
    .filter((uid) => known.has(uid));
}

/** Queues all tasks, as rows, the scripts by turns. */
async function queueMany(db: Database): Promise<void> {
  const { retry, limits } = newTask();
  await sql`
    insert into tasks (uid, program, script, arguments, retry, limits, script_concurrency)
    select gen_random_uuid(), json_build_object('kind', 'script', 'path', 'alone.sh/' || number % ${pretended.scripts}), 'alone.sh/' || number % ${pretended.scripts}, '[]',
      ${JSON.stringify(retry)}, ${JSON.stringify(limits)}, 1
    from generate_series(1, ${pretended.tasks}) as number`.execute(db);
}
