// From accepting a task to its process, and tasks a second, beside Celery with RabbitMQ in the same run.
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Backlot, startBacklot } from "../test/support/backlot.ts";
import { openDatabaseOf } from "../test/support/backlot-database.ts";
import { startExtraWorker } from "../test/support/extra-worker.ts";
import { rabbitmqMissing, startRabbitmq } from "../test/support/rabbitmq.ts";
import { BacklotLoad } from "./support/backlot-load.ts";
import { hasCelery, startCelery } from "./support/celery.ts";
import type { Table } from "./support/table.ts";
import { busyMs, rateAfter, type SustainedLoad, startLatency } from "./support/task-load.ts";

/** Sent one by one, a little apart, so that each finds an idle machine. */
const singles = { count: 60, gapMs: 50 };
/** Sent before, and not counted: what a process does for the first time it does slowly, and of so few the slowest would be the 99th of a hundred. */
const first = { count: 12, gapMs: 0 };
/** A slow setting is not kept up for as many tasks, but for as long as they would take a fast one. */
const steady: SustainedLoad = { warmUp: 400, warmUpMs: 10_000, counted: 1_200, countedMs: 12_000 };
/** Its sender does not look how many wait, so that all of them are sent at once: sending is no part of what is counted. */
const celerySteady = { warmUp: 200, counted: 600 };
const columns = [
  "",
  "workers × concurrency",
  "task",
  `accepted → started (${singles.count} one by one), median ms`,
  "p99 ms",
  `tasks/s, always some waiting: after ${steady.warmUp} uncounted, ${steady.counted} or ${steady.countedMs / 1000} s (Celery: ${celerySteady.counted} after ${celerySteady.warmUp})`,
  "ms of the machine a task, client and all",
] as const;
const scripts = {
  "no-op": "#!/bin/sh\n",
  "real script": '#!/bin/bash\nset -e\nfor name in one two three; do echo "line of $name" | tr a-z A-Z; done\nls -l / | wc -l\n',
} as const;
type Kind = keyof typeof scripts;

/** Measures and gives the table. */
export async function run(): Promise<Table> {
  const missing = rabbitmqMissing();
  await using broker = missing === null ? await startRabbitmq() : null;
  const rows: string[][] = [[...columns]];
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
  await using db = await openDatabaseOf(backlot);
  const load = new BacklotLoad(backlot, db);
  const rows: string[][] = [];
  for (const kind of Object.keys(scripts) as Kind[]) {
    const script = await writeScript(backlot, kind);
    await load.singly(script, first);
    const name = `Backlot, ${amqpUrl === null ? "NOTIFY" : "RabbitMQ"}`;
    const alone = await load.singly(script, singles);
    const { tasksPerSecond, busyMsPerTask } = await load.steadily(script, steady);
    rows.push([name, setting, kind, ...startLatency(alone), tasksPerSecond.toFixed(0), busyMsPerTask.toFixed(1)]);
  }
  return rows;
}

async function writeScript(backlot: Backlot, kind: Kind): Promise<string> {
  const script = `${kind.replace(" ", "-")}.sh`;
  const file = join(backlot.data, "scripts", script);
  await writeFile(file, scripts[kind]);
  await chmod(file, 0o755);
  return script;
}

async function celeryRows({ amqpUrl, workers, concurrency, setting }: Setting & { readonly amqpUrl: string }): Promise<string[][]> {
  await using celery = await startCelery({ amqpUrl, workers, concurrency });
  const rows: string[][] = [];
  for (const kind of ["a Python function", "no-op", "real script"] as const) {
    const argv = kind === "a Python function" ? null : ["/bin/bash", "-c", kind === "no-op" ? ":" : scripts["real script"]];
    await celery.measure({ argv, ...first });
    const alone = await celery.measure({ argv, ...singles });
    const [count, busy] = [celerySteady.warmUp + celerySteady.counted, busyMs()];
    const together = await celery.measure({ argv, count, gapMs: 0 });
    const perTask = ((busyMs() - busy) / count).toFixed(1);
    rows.push(["Celery, RabbitMQ", setting, kind, ...startLatency(alone), rateAfter(together, celerySteady.warmUp), perTask]);
  }
  return rows;
}
