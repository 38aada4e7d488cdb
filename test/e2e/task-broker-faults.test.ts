// Whatever becomes of RabbitMQ and its messages: the rows are the truth, and each task starts once.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import { openDatabaseOf } from "../support/backlot-database.ts";
import { TaskLab } from "../support/backlot-tasks.ts";
import { BrokerHand } from "../support/broker-worker.ts";
import { startExtraWorker } from "../support/extra-worker.ts";
import { rabbitmqMissing, startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.ts";

const missing = rabbitmqMissing();
const [tokens, legacy] = ["tasks.default", "task_queue"];
const patience = { timeout: 60_000, interval: 50 };
/** A busy machine runs forty scripts slowly; nothing here is measured. */
const testMs = 240_000;

let broker: TestRabbitmq;
let backlot: Backlot;
let hand: BrokerHand;

/** Each test counts its own tasks. */
const openLab = (): TaskLab => new TaskLab(backlot);
const createMany = (lab: TaskLab, count: number, script = "quick.sh") => Promise.all(Array.from({ length: count }, () => lab.create({ script })));
const listeners = async (queue: string) => (await hand.connection.queueDeclare({ queue, passive: true })).consumerCount;
const untilConnected = (workers = 1) => vi.waitFor(async () => expect(await listeners(tokens)).toBe(workers), patience);

/** Every task has succeeded, and each was started once. */
async function expectAllRanOnce(lab: TaskLab): Promise<void> {
  const views = await lab.allEnded(testMs);
  expect(new Set(lab.accepted.map((uid) => views.get(uid)?.state))).toEqual(new Set(["succeeded"]));
  expect(await lab.startCounts()).toEqual({ 1: lab.accepted.length });
}

function controlPid(): number {
  return backlot.processes().find(({ command }) => command.includes("manager,worker"))?.pid ?? 0;
}

describe.skipIf(missing !== null)(`tasks announced by RabbitMQ${missing === null ? "" : ` (${missing})`}`, { timeout: testMs }, () => {
  beforeAll(async () => {
    broker = await startRabbitmq();
    backlot = await startBacklot({ environment: { AMQP_URL: broker.url, BACKLOT_TASK_CONCURRENCY: "4" } });
    hand = new BrokerHand(broker.url);
    await openLab().script("quick.sh", "true");
    await untilConnected();
  });
  afterAll(async () => {
    await hand?.[Symbol.asyncDispose]();
    await backlot?.[Symbol.asyncDispose]();
    await broker?.[Symbol.asyncDispose]();
  });

  test("go on after messages that nobody can read, which become dead letters", async () => {
    const pid = controlPid();
    await hand.deadLetters();
    const unknown = "00000000-0000-4000-8000-000000000000";
    await hand.publish(legacy, '{"uid": ');
    await hand.publish(legacy, { uid: unknown, script: "quick.sh", arguments: [] });
    await hand.publish(legacy, { uid: "../../quick.sh", script: "quick.sh", arguments: [] });
    await hand.publish(legacy, Buffer.alloc(1_048_576, "x"));
    await hand.publish(tokens, '{"uid": ');
    await hand.publish(tokens, Buffer.alloc(1_048_576, "x"));
    await expect.poll(() => hand.count("tasks.dead"), patience).toBe(6);
    const reasons = (await hand.deadLetters()).map(({ reason }) => reason);
    expect(reasons.toSorted()).toEqual(["malformed", "no-uuid", "oversized", "rejected", "rejected", "unknown-task"]);
    const lab = openLab();
    await createMany(lab, 5);
    await expectAllRanOnce(lab);
    expect(controlPid()).toBe(pid);
  });

  test("each start once when every message comes three times, and again when all is over", async () => {
    const lab = openLab();
    const copies = async (uid: string) => {
      const channel = await hand.connection.acquire();
      for (let copy = 0; copy < 2; copy += 1) await channel.basicPublish({ routingKey: tokens, durable: true, messageId: uid }, Buffer.from(uid));
      await channel.close();
    };
    const create = async () => copies((await lab.create({ script: "quick.sh" })).uid);
    await Promise.all(Array.from({ length: 15 }, create));
    await expectAllRanOnce(lab);
    await Promise.all(lab.accepted.map(copies));
    await expect.poll(() => hand.count(tokens), patience).toBe(0);
    const after = openLab();
    await createMany(after, 1);
    await expectAllRanOnce(after);
    expect(await lab.startCounts()).toEqual({ 1: 15 });
  });

  test("all end when every message is dropped: they are found without one", async () => {
    const lab = openLab();
    let dropped = 0;
    // It comes before the worker as long as it takes everything at once, which it does: it acknowledges nothing.
    const thief = hand.connection.createConsumer({ queue: tokens, queueOptions: { passive: true }, noAck: true, arguments: { "x-priority": 100 } }, () => {
      dropped += 1;
    });
    try {
      await untilConnected(2);
      await createMany(lab, 20);
      await expectAllRanOnce(lab);
      expect(dropped).toBeGreaterThanOrEqual(20);
    } finally {
      await thief.close();
    }
  });

  test("run what their row says, whatever script a message of the original's queue names", async () => {
    const lab = openLab();
    await lab.script("waits.sh", 'until [ -e "$1.go" ]; do sleep 0.05; done');
    await lab.script("stranger.sh", "touch stranger.txt");
    const holding = await Promise.all(Array.from({ length: 4 }, () => lab.create({ script: "waits.sh", arguments: ["legacy"] })));
    await Promise.all(holding.map(({ uid }) => lab.running(uid)));
    const { uid } = await lab.create({ script: "quick.sh" });
    expect(await lab.read(uid)).toMatchObject({ state: "queued" });
    for (let copy = 0; copy < 3; copy += 1) await hand.publish(legacy, { uid, script: "stranger.sh", arguments: ["x"] });
    await expect.poll(() => hand.count(legacy), patience).toBe(0);
    await writeFile(join(backlot.data, "homedir", "legacy.go"), "");
    await expectAllRanOnce(lab);
    expect(await lab.read(uid)).toMatchObject({ script: "quick.sh", arguments: [] });
    await expect(readFile(join(backlot.data, "homedir", "stranger.txt"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("are shared by two workers, and each is started by one of them", async () => {
    const lab = openLab();
    await lab.script("short.sh", "sleep 0.2");
    await using _ = await startExtraWorker(backlot);
    await untilConnected(2);
    await createMany(lab, 40, "short.sh");
    await expectAllRanOnce(lab);
    await using db = await openDatabaseOf(backlot);
    const rows = await db.selectFrom("tasks").select(["worker"]).where("uid", "in", lab.accepted).execute();
    const shares = Map.groupBy(rows, ({ worker }) => worker);
    expect(shares.size).toBe(2);
    for (const share of shares.values()) expect(share.length).toBeGreaterThan(1);
  });

  test("each run once when the broker is killed before it has confirmed their messages", async () => {
    const lab = openLab();
    await lab.script("held.sh", 'until [ -e "$1.go" ]; do sleep 0.05; done');
    await untilConnected();
    await using db = await openDatabaseOf(backlot);
    // Connected, and from now on it answers nothing.
    broker.pause();
    try {
      await Promise.all(Array.from({ length: 8 }, () => lab.create({ script: "held.sh", arguments: ["confirm"] })));
      const unconfirmed = async () => db.selectFrom("taskOutbox").select("attempts").where("uid", "in", lab.accepted).execute();
      // Each is committed and was handed to the broker, which holds none of them.
      const isHanded = async () => (await unconfirmed()).map(({ attempts }) => attempts > 0);
      await expect.poll(isHanded, patience).toEqual(Array.from({ length: 8 }, () => true));
    } finally {
      await broker.restart();
    }
    await writeFile(join(backlot.data, "homedir", "confirm.go"), "");
    await expectAllRanOnce(lab);
  });

  // The last one: RabbitMQ 3.10 may deliver nothing from a quorum queue after it was killed, however often it is asked. Tasks run all the same.
  test("each end once when the broker is killed while they are created and run, and comes back", async () => {
    const lab = openLab();
    const before = createMany(lab, 8);
    await expect.poll(() => lab.accepted.length, patience).toBeGreaterThan(3);
    await broker.kill();
    await before;
    // Accepted like any other: a broker is no condition of being queued.
    await createMany(lab, 8);
    const back = broker.restart();
    await createMany(lab, 8);
    await back;
    await expectAllRanOnce(lab);
    expect(lab.accepted).toHaveLength(24);
    // Whether it delivers again or not: the worker looks by itself, too.
    const after = openLab();
    await createMany(after, 1);
    await expectAllRanOnce(after);
  });
});
