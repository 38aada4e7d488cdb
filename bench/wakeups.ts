// How long after a task was accepted a worker has claimed it: LISTEN/NOTIFY beside RabbitMQ, with nothing that runs scripts.
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { TaskWakeups, WakeupAnswer } from "#core/tasks/task-wakeups.ts";
import { Listener } from "#db/listener.ts";
import { silentLog } from "#kit/log.ts";
import { createWakeups } from "#worker/create-wakeups.ts";
import { openTaskStage, type TaskStage } from "../test/support/broker-worker.ts";
import { rabbitmqMissing, startRabbitmq } from "../test/support/rabbitmq.ts";
import { quantile, type Table } from "./support/table.ts";

const count = 500;

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

async function measure(name: string, amqpUrl: string | undefined): Promise<readonly string[]> {
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
  await listener.stop();
  await source.stop();
  return [name, ...[0.5, 0.95, 0.99].map((share) => quantile(waits, share).toFixed(1))];
}

/** Measures and gives the table. */
export async function run(): Promise<Table> {
  const rows: (readonly string[])[] = [["accepted → claimed", "p50 ms", "p95 ms", "p99 ms"], await measure("LISTEN/NOTIFY", undefined)];
  const missing = rabbitmqMissing();
  if (missing !== null) return [...rows, [`RabbitMQ: not measured, ${missing}`, "", "", ""]];
  await using broker = await startRabbitmq();
  return [...rows, await measure("RabbitMQ", broker.url)];
}
