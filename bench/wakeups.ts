// How long after a task was accepted a worker has claimed it: LISTEN/NOTIFY beside RabbitMQ, with nothing that runs scripts.
// Usage: node bench/wakeups.ts [tasks, 500]
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { TaskWakeups, WakeupAnswer } from "#core/tasks/task-wakeups.ts";
import { Listener } from "#db/listener.ts";
import { silentLog } from "#kit/log.ts";
import { createWakeups } from "#worker/create-wakeups.ts";
import { openTaskStage, type TaskStage } from "../test/support/broker-worker.ts";
import { rabbitmqMissing, startRabbitmq } from "../test/support/rabbitmq.ts";

const count = Number(process.argv[2] ?? 500);
const percentile = (sorted: readonly number[], share: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(1);

/** Claims at once, and writes down when. */
async function listen(stage: TaskStage, wakeups: TaskWakeups, claimedAt: Map<string, number>): Promise<void> {
  const worker = randomUUID();
  const onWakeup = async (): Promise<WakeupAnswer> => {
    const tasks = await stage.queue.claim({ worker, leaseMs: 3_600_000, limit: 10, perSite: 1_000_000 });
    for (const { uid } of tasks) claimedAt.set(uid, performance.now());
    return { hasRoom: true, claimed: tasks.length };
  };
  await wakeups.start(onWakeup);
  while (!wakeups.health().isConnected) await delay(20);
}

async function measure(name: string, amqpUrl: string | undefined): Promise<void> {
  await using stage = await openTaskStage({ usesBroker: amqpUrl !== undefined });
  const source = createWakeups({ amqpUrl, outbox: stage.outbox, log: silentLog() });
  const onNotification = (channel: string, payload: string): void => {
    if (channel === "tasks" && payload === "") source.heard();
  };
  const listener = new Listener({ url: stage.url, log: silentLog(), onNotification, onConnected: () => source.connected() });
  listener.start();
  const claimedAt = new Map<string, number>();
  await listen(stage, source.wakeups, claimedAt);
  const waits: number[] = [];
  for (let number = 0; number < count + 20; number += 1) {
    const [uid = ""] = await stage.add(1);
    const acceptedAt = performance.now();
    while (!claimedAt.has(uid)) await delay(1);
    // The first few find connections and plans cold. A claim may be heard of before the commit's own answer.
    if (number >= 20) waits.push(Math.max(0, (claimedAt.get(uid) ?? 0) - acceptedAt));
    // What is held makes each claim look at more.
    await stage.db.deleteFrom("tasks").execute();
  }
  waits.sort((one, other) => one - other);
  process.stdout.write(
    `${name.padEnd(14)} p50 ${percentile(waits, 0.5)} ms   p95 ${percentile(waits, 0.95)} ms   p99 ${percentile(waits, 0.99)} ms   (${waits.length} tasks)\n`,
  );
  await listener.stop();
  await source.stop();
}

await measure("LISTEN/NOTIFY", undefined);
const missing = rabbitmqMissing();
if (missing === null) {
  await using broker = await startRabbitmq();
  await measure("RabbitMQ", broker.url);
} else {
  process.stdout.write(`RabbitMQ       not measured: ${missing}\n`);
}
process.exit(0);
