// The original's queue as its own programs use it, on a real broker.
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  BrokerHand,
  type BrokerWorker,
  type BrokerWorkerOptions,
  openTaskStage,
  startBrokerWorker,
  type TaskStage,
} from "../../../test/support/broker-worker.ts";
import { rabbitmqMissing, startRabbitmq, type TestRabbitmq } from "../../../test/support/rabbitmq.ts";

const missing = rabbitmqMissing();
const patience = { timeout: 30_000, interval: 25 };
let broker: TestRabbitmq;
let stage: TaskStage;
let hand: BrokerHand;
let one: BrokerWorker | undefined;

const message = (uid: unknown, more = {}) => ({ uid, script: "touch.sh", arguments: ["", "sample_file.txt"], ...more });

async function worker(options: Partial<BrokerWorkerOptions> = {}): Promise<BrokerWorker> {
  const started = await startBrokerWorker(stage, { url: broker.url, ...options });
  one = started;
  await expect.poll(() => started.rabbit.health().problem, patience).toBeNull();
  return started;
}

describe.skipIf(missing !== null)(`the original's queue${missing === null ? "" : ` (${missing})`}`, () => {
  beforeAll(async () => {
    [broker, stage] = await Promise.all([startRabbitmq(), openTaskStage()]);
    hand = new BrokerHand(broker.url);
    // As its own programs declare it, before Backlot was there.
    await hand.connection.queueDeclare({ queue: "task_queue", durable: true });
  });
  afterAll(async () => {
    await hand?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
    await broker?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    one = undefined;
  });
  afterEach(async () => {
    await one?.[Symbol.asyncDispose]();
    await stage.db.deleteFrom("tasks").execute();
  });

  it("wakes a worker for a task that waits, and believes the row rather than the message", async () => {
    const { claimed, rabbit } = await worker();
    const [uid = ""] = await stage.add(1, { isAnnounced: false });
    await hand.publish("task_queue", message(uid, { script: "rm -rf /" }));
    await expect.poll(() => claimed, patience).toEqual([uid]);
    const row = await stage.db.selectFrom("tasks").select(["script", "arguments", "attempt"]).where("uid", "=", uid).executeTakeFirstOrThrow();
    expect(row).toEqual({ script: "no-op.sh", arguments: [], attempt: 1 });
    expect(rabbit.health().inbox).toEqual({ announced: 1, settled: 0, dead: 0 });
  });

  it("takes what waited before it came, whatever the message says of its own kind", async () => {
    const uids = await stage.add(3, { isAnnounced: false });
    const kinds = [undefined, "application/json", "text/plain"];
    for (const [index, uid] of uids.entries()) await hand.publish("task_queue", message(uid), kinds[index]);
    const { claimed, rabbit } = await worker();
    await expect.poll(() => claimed.toSorted(), patience).toEqual(uids.toSorted());
    // What was claimed before its message came must not be left to the next test.
    await expect.poll(() => rabbit.health().inbox, patience).toSatisfy((counts) => counts.announced + counts.settled === 3);
  });

  it("starts no task twice, however often its message comes", async () => {
    const { claimed, rabbit } = await worker();
    const [uid = ""] = await stage.add(1, { isAnnounced: false });
    for (let number = 0; number < 10; number += 1) await hand.publish("task_queue", message(uid));
    await expect.poll(() => rabbit.health().inbox, patience).toSatisfy((counts) => counts.announced + counts.settled === 10);
    await expect.poll(() => claimed, patience).toEqual([uid]);
    expect(await hand.deadLetters()).toEqual([]);
  });

  it("puts what is of no use with the dead letters, says why, and goes on", async () => {
    const { claimed, rabbit } = await worker();
    const useless = [
      "no json at all",
      Buffer.from([0, 255, 0]),
      {},
      message("../../etc"),
      message(randomUUID()),
      message(randomUUID(), { padding: "x".repeat(300_000) }),
    ];
    for (const body of useless) await hand.publish("task_queue", body);
    const [uid = ""] = await stage.add(1, { isAnnounced: false });
    await hand.publish("task_queue", message(uid));
    await expect.poll(() => claimed, patience).toEqual([uid]);
    expect(rabbit.health()).toMatchObject({ isConnected: true, inbox: { announced: 1, settled: 0, dead: 6 } });
    const letters = await hand.deadLetters();
    expect(letters.map(({ reason }) => reason)).toEqual(["malformed", "malformed", "malformed", "no-uuid", "unknown-task", "oversized"]);
    expect(Math.max(...letters.map(({ size }) => size))).toBe(64 * 1024);
    expect(await hand.count("task_queue")).toBe(0);
  });

  it("keeps a message while the database is away, without going round and round", async () => {
    let asked = 0;
    const { outbox } = stage;
    const stateOf = async (uid: string) => {
      asked += 1;
      if (asked < 3) throw new Error("the database is away");
      return outbox.stateOf(uid);
    };
    const broken: TaskStage = { ...stage, outbox: { ...bound(outbox), stateOf } };
    const started = await startBrokerWorker(broken, { url: broker.url });
    one = started;
    const [uid = ""] = await stage.add(1, { isAnnounced: false });
    await hand.publish("task_queue", message(uid));
    await expect.poll(() => started.claimed, patience).toEqual([uid]);
    expect(asked).toBe(3);
  });

  it("stands still alone when its queue is there with other arguments: tokens go on", async () => {
    await hand.connection.queueDelete("task_queue");
    await hand.connection.queueDeclare({ queue: "task_queue", durable: true, arguments: { "x-queue-type": "quorum" } });
    const started = await startBrokerWorker(stage, { url: broker.url });
    one = started;
    await expect.poll(() => started.rabbit.health().problem, patience).toContain("PRECONDITION_FAILED");
    expect(started.rabbit.wakeups.health()).toEqual({ isConnected: true, problem: null });
    const uids = await stage.add(1);
    await expect.poll(() => started.claimed, patience).toEqual(uids);
    await hand.connection.queueDelete("task_queue");
    await expect.poll(() => started.rabbit.health().problem, patience).toBeNull();
  });
});

/** The methods of an outbox, to replace one of them. */
function bound(outbox: TaskStage["outbox"]): TaskStage["outbox"] {
  return {
    take: (request) => outbox.take(request),
    remove: (ids) => outbox.remove(ids),
    putBack: (ids, afterMs) => outbox.putBack(ids, afterMs),
    overdue: (request) => outbox.overdue(request),
    size: () => outbox.size(),
    stateOf: (uid) => outbox.stateOf(uid),
  };
}
