// Tasks, workers and a broker without anything that runs scripts: what is claimed is written down.
import { randomUUID } from "node:crypto";
import { Connection } from "rabbitmq-client";
import { z } from "zod";
import { defaultRunLimits } from "#contract/task.ts";
import type { TaskOutbox } from "#core/tasks/task-outbox.ts";
import type { WakeupAnswer } from "#core/tasks/task-wakeups.ts";
import { type Database, openDatabase } from "#db/database.ts";
import { Listener } from "#db/listener.ts";
import { announceWork } from "#db/tasks/announce-tasks.ts";
import { PostgresTaskOutbox } from "#db/tasks/postgres-task-outbox.ts";
import { PostgresTaskQueue } from "#db/tasks/postgres-task-queue.ts";
import { silentLog } from "#kit/log.ts";
import { type RabbitmqDeps, type RunningRabbitmq, startRabbitmq } from "#worker/rabbitmq/start-rabbitmq.ts";
import { createTestDatabase } from "./test-database.ts";

const longLeaseMs = 3_600_000;

/** A database with tasks, and what waits for the broker. */
export interface TaskStage extends AsyncDisposable {
  readonly url: string;
  readonly db: Database;
  readonly outbox: TaskOutbox;
  readonly queue: PostgresTaskQueue;
  /** Queues tasks as the manager does: row, message and notification in one transaction. Gives their uids. */
  add(count: number, options?: { readonly isAnnounced?: boolean }): Promise<readonly string[]>;
  outboxSize(): Promise<number>;
}

/** Makes a database of one test file's own; messages for the broker are written unless told otherwise. */
export async function openTaskStage({ usesBroker = true }: { readonly usesBroker?: boolean } = {}): Promise<TaskStage> {
  const database = await createTestDatabase();
  const db = openDatabase({ url: database.url, maxConnections: 8, log: silentLog() });
  return {
    url: database.url,
    db,
    outbox: new PostgresTaskOutbox(db),
    queue: new PostgresTaskQueue(db, { usesBroker }),
    async add(count, { isAnnounced = true } = {}) {
      const uids = Array.from({ length: count }, () => randomUUID());
      const json = (value: unknown): string => JSON.stringify(value);
      const row = { program: json({ kind: "script", path: "no-op.sh" }), script: "no-op.sh", arguments: json([]) };
      const rules = { retry: json({ retries: 0, delaySeconds: 0, onLost: "fail" }), limits: json(defaultRunLimits) };
      await db.transaction().execute(async (change) => {
        await change
          .insertInto("tasks")
          .values(uids.map((uid) => ({ uid, ...row, ...rules })))
          .execute();
        if (isAnnounced) await announceWork(change, uids, { usesBroker });
      });
      return uids;
    },
    async outboxSize() {
      const { count } = await db.selectFrom("taskOutbox").select(db.fn.countAll<number>().as("count")).executeTakeFirstOrThrow();
      return Number(count);
    },
    async [Symbol.asyncDispose]() {
      await db.destroy();
      await database.drop();
    },
  };
}

/** A worker that claims when it is woken, and only then: it never looks by itself. */
export interface BrokerWorker extends AsyncDisposable {
  readonly rabbit: RunningRabbitmq;
  /** The uid of each claim, in order. */
  readonly claimed: string[];
  readonly wakeups: () => number;
  /** Ends the oldest task that it holds. */
  release(): void;
}

/** Settings of one worker of a test. */
export interface BrokerWorkerOptions extends Partial<Omit<RabbitmqDeps, "outbox" | "log">> {
  readonly url: string;
  readonly slots?: number;
  /** Called before each claim. */
  readonly beforeClaim?: () => Promise<void>;
  /** How long a task keeps its slot; for ever unless given. */
  readonly workMs?: number;
  /** Told by the database of what waits, as a worker is; otherwise it looks every `relayMs`. */
  readonly hearsDatabase?: boolean;
}

/** Starts a worker on a stage. */
export async function startBrokerWorker(stage: TaskStage, options: BrokerWorkerOptions): Promise<BrokerWorker> {
  const { slots = Number.POSITIVE_INFINITY, beforeClaim, workMs, hearsDatabase = false, ...given } = options;
  const log = silentLog();
  const rabbit = startRabbitmq({ relayMs: 50, checkMs: 200, reconcileMs: 60_000, longestRetryMs: 300, ...given, outbox: stage.outbox, log });
  const listener = new Listener({ url: stage.url, log, onNotification: () => rabbit.hint(), onConnected: () => rabbit.hint() });
  if (hearsDatabase) listener.start();
  const worker = randomUUID();
  const claimed: string[] = [];
  let wakeups = 0;
  let held = 0;
  const release = (): void => {
    held -= 1;
    rabbit.wakeups.resume();
  };
  const onWakeup = async (): Promise<WakeupAnswer> => {
    wakeups += 1;
    await beforeClaim?.();
    const limit = Math.min(10, slots - held);
    const found = limit === 0 ? [] : await stage.queue.claim({ worker, leaseMs: longLeaseMs, limit, perSite: 1_000 });
    held += found.length;
    claimed.push(...found.map((task) => task.uid));
    if (workMs !== undefined) for (const _ of found) setTimeout(release, workMs);
    return { hasRoom: held < slots, claimed: found.length };
  };
  await rabbit.wakeups.start(onWakeup);
  const stop = async (): Promise<void> => {
    await listener.stop();
    await rabbit.stop();
  };
  return { rabbit, claimed, wakeups: () => wakeups, release, [Symbol.asyncDispose]: stop };
}

const deadHeaders = z.object({ "x-backlot-reason": z.string().optional(), "x-death": z.array(z.object({ reason: z.string() })).optional() });

/** A hand in the broker: what the original's clients and its administrator do. */
export class BrokerHand implements AsyncDisposable {
  readonly connection: Connection;

  constructor(url: string) {
    this.connection = new Connection({ url, retryLow: 100, retryHigh: 300 });
    this.connection.on("error", () => undefined);
  }

  async count(queue: string): Promise<number> {
    return (await this.connection.queueDeclare({ queue, passive: true })).messageCount;
  }

  /** As the original publishes: persistent, not confirmed, nothing else said. */
  async publish(queue: string, body: unknown, contentType?: string): Promise<void> {
    const channel = await this.connection.acquire();
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
    await channel.confirmSelect();
    await channel.basicPublish({ routingKey: queue, durable: true, ...(contentType === undefined ? {} : { contentType }) }, bytes);
    await channel.close();
  }

  /** Takes the dead letters: why each is there, and its size in bytes. */
  async deadLetters(): Promise<readonly { readonly reason: string; readonly size: number }[]> {
    const found: { readonly reason: string; readonly size: number }[] = [];
    for (;;) {
      const message = await this.connection.basicGet({ queue: "tasks.dead", noAck: true });
      if (message === undefined) return found;
      const headers = deadHeaders.parse(message.headers ?? {});
      found.push({ reason: headers["x-backlot-reason"] ?? headers["x-death"]?.[0]?.reason ?? "unknown", size: Buffer.from(message.body).byteLength });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connection.unsafeDestroy();
  }
}
