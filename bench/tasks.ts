// From accepting a task to its process, and tasks a second, beside Celery with RabbitMQ in the same run.
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createTask, listTasks } from "#contract/api/tasks.ts";
import { isTaskEnded } from "#contract/task.ts";
import { type Backlot, startBacklot } from "../test/support/backlot.ts";
import { startExtraWorker } from "../test/support/extra-worker.ts";
import { rabbitmqMissing, startRabbitmq } from "../test/support/rabbitmq.ts";
import { hasCelery, startCelery } from "./support/celery.ts";
import type { Table } from "./support/table.ts";
import { startLatency, sustained, type TaskTimes } from "./support/task-load.ts";

/** Sent one by one, a little apart, so that each finds an idle machine. */
const singles = { count: 60, gapMs: 50 };
/** Sent at once. */
const crowd = 400;
/** Sent before, and not counted: what a process does for the first time it does slowly, and of so few the slowest would be the 99th of a hundred. */
const first = 12;
const scripts = {
  "no-op": "#!/bin/sh\n",
  "real script": '#!/bin/bash\nset -e\nfor name in one two three; do echo "line of $name" | tr a-z A-Z; done\nls -l / | wc -l\n',
} as const;
type Kind = keyof typeof scripts;

/** Measures and gives the table. */
export async function run(): Promise<Table> {
  const missing = rabbitmqMissing();
  await using broker = missing === null ? await startRabbitmq() : null;
  const rows: string[][] = [["", "workers × concurrency", "task", "accepted → started, median ms", "p99 ms", "tasks/s"]];
  for (const [workers, concurrency] of [
    [1, 1],
    [1, 4],
    [1, 16],
    [2, 1],
    [2, 4],
    [2, 16],
  ] as const) {
    const setting = `${workers} × ${concurrency}`;
    for (const amqpUrl of broker === null ? [null] : [null, broker.url]) {
      rows.push(...(await backlotRows({ amqpUrl, workers, concurrency, setting })));
    }
    if (broker !== null && (await hasCelery())) rows.push(...(await celeryRows({ amqpUrl: broker.url, workers, concurrency, setting })));
  }
  return rows;
}

interface Setting {
  readonly workers: number;
  readonly concurrency: number;
  readonly setting: string;
}

async function backlotRows({ amqpUrl, workers, concurrency, setting }: Setting & { readonly amqpUrl: string | null }): Promise<string[][]> {
  const own = { BACKLOT_TASK_CONCURRENCY: String(concurrency) };
  await using backlot = await startBacklot({ environment: amqpUrl === null ? own : { ...own, AMQP_URL: amqpUrl } });
  await using extras = new AsyncDisposableStack();
  for (let more = 1; more < workers; more += 1) extras.use(await startExtraWorker(backlot));
  const rows: string[][] = [];
  for (const kind of Object.keys(scripts) as Kind[]) {
    const file = join(backlot.data, "scripts", `${kind.replace(" ", "-")}.sh`);
    await writeFile(file, scripts[kind]);
    await chmod(file, 0o755);
    await measure(backlot, { kind, count: first, gapMs: 0 });
    const name = `Backlot, ${amqpUrl === null ? "NOTIFY" : "RabbitMQ"}`;
    const [alone, together] = [await measure(backlot, { kind, ...singles }), await measure(backlot, { kind, count: crowd, gapMs: 0 })];
    rows.push([name, setting, kind, ...startLatency(alone), sustained(together)]);
  }
  return rows;
}

async function measure(backlot: Backlot, load: { readonly kind: Kind; readonly count: number; readonly gapMs: number }): Promise<readonly TaskTimes[]> {
  const { client } = await backlot.admin();
  const script = `${load.kind.replace(" ", "-")}.sh`;
  const accepted = new Map<string, number>();
  const since = new Date().toISOString();
  const create = async (): Promise<void> => {
    const { task } = await client.call(createTask, { body: { script } });
    accepted.set(task.uid, Date.now());
  };
  if (load.gapMs > 0) {
    for (let count = 0; count < load.count; count += 1) {
      await create();
      await delay(load.gapMs);
    }
  } else {
    let left = load.count;
    const sender = async (): Promise<void> => {
      while (left-- > 0) await create();
    };
    await Promise.all(Array.from({ length: 8 }, sender));
  }
  return ended(backlot, accepted, since);
}

async function ended(backlot: Backlot, accepted: ReadonlyMap<string, number>, since: string): Promise<readonly TaskTimes[]> {
  const { client } = await backlot.admin();
  const deadline = Date.now() + 300_000;
  while ((await client.call(listTasks, { query: { state: ["queued", "running"], since, limit: 1 } })).tasks.length > 0) {
    if (Date.now() > deadline) throw new Error("tasks did not end");
    await delay(100);
  }
  const times: TaskTimes[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await client.call(listTasks, { query: { since, limit: 200, ...(cursor === undefined ? {} : { cursor }) } });
    for (const task of page.tasks) {
      const acceptedMs = accepted.get(task.uid);
      if (acceptedMs === undefined || task.startedAt === null || task.finishedAt === null) continue;
      if (!isTaskEnded(task.state) || task.state !== "succeeded") throw new Error(`task ${task.uid} is ${task.state}: ${task.reason}`);
      times.push({ acceptedMs, startedMs: Date.parse(task.startedAt), endedMs: Date.parse(task.finishedAt) });
    }
    if (page.next === null) break;
    cursor = page.next;
  }
  if (times.length !== accepted.size) throw new Error(`${accepted.size} tasks were accepted, ${times.length} have ended`);
  return times;
}

async function celeryRows({ amqpUrl, workers, concurrency, setting }: Setting & { readonly amqpUrl: string }): Promise<string[][]> {
  await using celery = await startCelery({ amqpUrl, workers, concurrency });
  const rows: string[][] = [];
  for (const kind of ["a Python function", "no-op", "real script"] as const) {
    const argv = kind === "a Python function" ? null : ["/bin/bash", "-c", kind === "no-op" ? ":" : scripts["real script"]];
    await celery.measure({ argv, count: first, gapMs: 0 });
    const alone = await celery.measure({ argv, ...singles });
    const together = await celery.measure({ argv, count: crowd, gapMs: 0 });
    rows.push(["Celery, RabbitMQ", setting, kind, ...startLatency(alone), sustained(together)]);
  }
  return rows;
}
