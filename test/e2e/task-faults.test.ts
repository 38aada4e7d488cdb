import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cancelTask, readTaskLog } from "#contract/api/tasks.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import { openDatabaseOf } from "../support/backlot-database.ts";
import { killIfThere, processesWhere } from "../support/backlot-processes.ts";
import { TaskLab } from "../support/backlot-tasks.ts";
import { startExtraWorker } from "../support/extra-worker.ts";

// Short times: what is shown does not depend on how long they are, and thirty seconds for each lease would be long.
const leases = { BACKLOT_TASK_LEASE_SECONDS: "2", BACKLOT_TASK_GRACE_SECONDS: "1", BACKLOT_TASK_CONCURRENCY: "4" };

let backlot: Backlot;
let lab: TaskLab;

/** A script that goes on until the file `NAME.go` appears in the home folder. */
const waits = 'until [ -e "$1.go" ]; do sleep 0.05; done\necho "went on"';

beforeAll(async () => {
  backlot = await startBacklot({ environment: leases });
  lab = new TaskLab(backlot);
  await lab.script("waits.sh", waits);
  await lab.script("waits-again.sh", waits, "retry: {retries: 2, delaySeconds: 0, onLost: retry}\n");
  await lab.script("quick.sh", "true");
});
afterAll(() => backlot?.[Symbol.asyncDispose]());

/** Lets a waiting script go on, from the outside. */
async function letGo(name: string): Promise<void> {
  const { writeFile } = await import("node:fs/promises");
  await writeFile(join(backlot.data, "homedir", `${name}.go`), "");
}

function processOf(service: string): number {
  const found = backlot.processes().find(({ command }) => command.includes(` run ${service}`));
  if (found === undefined) throw new Error(`no process runs ${service}: ${JSON.stringify(backlot.processes())}`);
  return found.pid;
}

describe("a task", () => {
  test("outlives its worker: the next one attaches itself to the same run", async () => {
    const { uid } = await lab.create({ script: "waits.sh", arguments: ["worker-killed"] });
    await lab.running(uid);
    killIfThere(processOf("manager,worker"));
    await lab.when(uid, () => true);
    await letGo("worker-killed");
    expect(await lab.ended(uid)).toMatchObject({ state: "succeeded", code: 0, attempt: 1 });
    expect((await lab.starts()).get(uid)).toBe(1);
  });

  test("whose orchestrator was killed ends as lost, and is not started a second time", async () => {
    const { uid } = await lab.create({ script: "waits.sh", arguments: ["orchestrator-killed"] });
    await lab.running(uid);
    killIfThere(processOf("orchestrator"));
    expect(await lab.ended(uid)).toMatchObject({ state: "lost", end: "lost", code: null, attempt: 1 });
    expect((await lab.starts()).get(uid)).toBe(1);
    await letGo("orchestrator-killed");
  });

  test("whose script wants it starts once more when its orchestrator was killed", async () => {
    const { uid } = await lab.create({ script: "waits-again.sh", arguments: ["started-again"] });
    await lab.running(uid);
    killIfThere(processOf("orchestrator"));
    await lab.when(uid, (task) => task.attempt === 2 && task.state === "running" && task.startedAt !== null);
    await letGo("started-again");
    expect(await lab.ended(uid)).toMatchObject({ state: "succeeded", attempt: 2 });
    expect((await lab.starts()).get(uid)).toBe(2);
  });

  test("ends with everything that it has forked, daemonised and taught to ignore SIGTERM", async () => {
    const marker = `stays-${process.pid}`;
    await lab.script(
      "daemon.sh",
      `trap '' TERM HUP INT\n( trap '' TERM HUP; setsid bash -c 'trap "" TERM HUP; exec -a ${marker} sleep 600' & )\nsetsid bash -c 'exec -a ${marker} sleep 600' < /dev/null > /dev/null 2>&1 &\nexec -a ${marker} sleep 600`,
    );
    const { uid } = await lab.create({ script: "daemon.sh" });
    await lab.running(uid);
    const alive = (): number => processesWhere(({ command }) => command.startsWith(marker)).length;
    await expect.poll(alive, { timeout: 10_000 }).toBe(3);
    await (await backlot.admin()).client.call(cancelTask, { params: { uid } });
    expect(await lab.ended(uid)).toMatchObject({ state: "cancelled", end: "cancelled" });
    expect(alive()).toBe(0);
  });

  test("goes on when the lease of its stopped worker ends; the worker that comes back finds it taken", async () => {
    await using other = await startExtraWorker(backlot, { ...leases, BACKLOT_TASK_CONCURRENCY: "1" });
    const before = await lab.create({ script: "waits.sh", arguments: ["lease"] });
    // Enough to fill both workers: one of them is held by the other worker.
    const all = [before, ...(await Promise.all(Array.from({ length: 4 }, () => lab.create({ script: "waits.sh", arguments: ["lease"] }))))];
    await Promise.all(all.map(({ uid }) => lab.running(uid)));
    other.kill("SIGSTOP");
    // Its lease ends after two seconds; only then somebody else can write the end.
    await letGo("lease");
    for (const { uid } of all) expect(await lab.ended(uid)).toMatchObject({ state: "succeeded", attempt: 1 });
    other.kill("SIGCONT");
    const after = await lab.create({ script: "quick.sh" });
    expect(await lab.ended(after.uid)).toMatchObject({ state: "succeeded" });
    const starts = await lab.starts();
    expect(all.map(({ uid }) => starts.get(uid))).toEqual([1, 1, 1, 1, 1]);
    for (const { uid } of all) expect(await lab.read(uid)).toMatchObject({ state: "succeeded", attempt: 1 });
  });

  test("is neither lost nor started twice when the database is killed while many wait and run", async () => {
    // Every slot is taken first: what comes later has to wait, and is there as rows alone when the database dies.
    const held = await Promise.all(Array.from({ length: 4 }, () => lab.create({ script: "waits.sh", arguments: ["database"] })));
    await Promise.all(held.map(({ uid }) => lab.running(uid)));
    const some = await Promise.all(Array.from({ length: 30 }, () => lab.create({ script: "quick.sh" })));
    const before = await Promise.all([...held, ...some].map(({ uid }) => lab.read(uid)));
    expect(before.map(({ state }) => state)).toEqual([...held.map(() => "running"), ...some.map(() => "queued")]);
    const database = backlot.processes().find(({ command }) => /bin\/postgres -D /.test(command));
    if (database === undefined) throw new Error("no database");
    killIfThere(database.pid);
    await letGo("database");
    const all = [...held, ...some];
    const views = await Promise.all(all.map(({ uid }) => lab.ended(uid)));
    expect(new Set(views.map(({ state }) => state))).toEqual(new Set(["succeeded"]));
    const starts = await lab.starts();
    expect(all.map(({ uid }) => starts.get(uid))).toEqual(all.map(() => 1));
  });

  test("is found by the worker's own look, and runs once, when the database's notification of it is dropped", async () => {
    const own = new TaskLab(backlot);
    const { uid } = await own.create({ script: "quick.sh" });
    await own.ended(uid);
    await using db = await openDatabaseOf(backlot);
    // Rows as the manager writes them, and nobody says that they are there.
    const { rows } = await sql<{ readonly uid: string }>`
      insert into tasks (uid, program, script, arguments, retry, limits, created_by_id, created_by)
      select gen_random_uuid(), program, script, arguments, retry, limits, created_by_id, created_by
      from tasks cross join generate_series(1, 12) where uid = ${uid}
      returning uid`.execute(db);
    own.accepted.push(...rows.map((row) => row.uid));
    const views = await own.allEnded();
    expect(own.accepted.map((each) => views.get(each)?.state)).toEqual(Array.from({ length: 13 }, () => "succeeded"));
    expect(await own.startCounts()).toEqual({ 1: 13 });
  }, 150_000);

  test("that prints without end keeps head and tail, and its log says how much is missing", async () => {
    await lab.script("prints.sh", 'echo first; head -c 3000000 /dev/zero | tr "\\0" x; echo; echo last', "limits: {outputBytes: 100000}\n");
    const { uid } = await lab.create({ script: "prints.sh" });
    expect(await lab.ended(uid)).toMatchObject({ state: "succeeded", isOutputCut: true });
    const response = await (await backlot.admin()).client.fetch(readTaskLog, { params: { uid, stream: "stdout" } });
    const text = await response.text();
    expect(text.startsWith("first\n")).toBe(true);
    expect(text.endsWith("last\n")).toBe(true);
    expect(text.length).toBeLessThan(110_000);
    const file = await readFile(join(backlot.data, "logs", "tasks", `${uid}_stdout.log`), "utf8");
    expect(file.length).toBeLessThan(110_000);
  });
});
