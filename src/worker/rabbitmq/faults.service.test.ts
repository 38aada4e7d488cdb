// The rows are the truth: whatever becomes of the broker and its messages, each task is claimed once.
import { setTimeout as delay } from "node:timers/promises";
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
import { tokenQueue } from "./topology.ts";

const missing = rabbitmqMissing();
// Each message is a claim of its own: a thousand take their time on a busy machine.
const patience = { timeout: 50_000, interval: 50 };
let broker: TestRabbitmq;
let stage: TaskStage;
let hand: BrokerHand;
let workers: BrokerWorker[] = [];

async function worker(options: Partial<BrokerWorkerOptions> = {}): Promise<BrokerWorker> {
  const started = await startBrokerWorker(stage, { url: broker.url, ...options });
  workers.push(started);
  return started;
}

async function connected(options: Partial<BrokerWorkerOptions> = {}): Promise<BrokerWorker> {
  const started = await worker(options);
  await untilHealthy(started);
  return started;
}

const untilHealthy = (one: BrokerWorker) => expect.poll(() => one.rabbit.health().problem, patience).toBeNull();
const allClaimed = () => workers.flatMap((one) => one.claimed).toSorted();
const untilClaimed = (uids: readonly string[]) => expect.poll(allClaimed, patience).toEqual(uids.toSorted());
const untilDrained = () => expect.poll(async () => [await stage.outboxSize(), await hand.count(tokenQueue.queue)], patience).toEqual([0, 0]);

describe.skipIf(missing !== null)(`a worker with a real broker${missing === null ? "" : ` (${missing})`}`, () => {
  beforeAll(async () => {
    [broker, stage] = await Promise.all([startRabbitmq(), openTaskStage()]);
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
    await broker?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    workers = [];
    hand = new BrokerHand(broker.url);
  });
  afterEach(async () => {
    broker.resume();
    await Promise.all(workers.map((one) => one[Symbol.asyncDispose]()));
    await hand[Symbol.asyncDispose]();
    // Whatever a failed test left is not the next one's.
    await stage.db.deleteFrom("tasks").execute();
    await stage.db.deleteFrom("taskOutbox").execute();
  });

  describe("while all is well", () => {
    it("claims each of a thousand tasks exactly once, among three workers, and leaves no message behind", async () => {
      for (let number = 0; number < 3; number += 1) await connected({ hearsDatabase: true });
      const batches = await Promise.all(Array.from({ length: 20 }, () => stage.add(50)));
      await untilClaimed(batches.flat());
      await untilDrained();
      expect(await hand.deadLetters()).toEqual([]);
    }, 120_000);

    it("claims each task once when every message comes twice", async () => {
      const one = await connected();
      const uids = await stage.add(30);
      await stage.db
        .insertInto("taskOutbox")
        .values(uids.map((uid) => ({ uid })))
        .execute();
      await untilClaimed(uids);
      await untilDrained();
      expect(one.wakeups()).toBeGreaterThanOrEqual(30);
    });

    it("hands tokens on while every slot is taken, without wearing them out", async () => {
      const options = { slots: 1, workMs: 80 };
      await connected(options);
      await connected(options);
      const uids = await stage.add(60);
      await untilClaimed(uids);
      await untilDrained();
      expect(await hand.deadLetters()).toEqual([]);
    });

    it("is done with the tokens of tasks that were claimed in place of others, without a look for each", async () => {
      const busy = await connected({ slots: 1 });
      const uids = await stage.add(6);
      await expect.poll(() => busy.claimed.length, patience).toBe(1);
      const wakeups = busy.wakeups();
      for (const _ of uids.slice(1)) busy.rabbit.wakeups.spent?.();
      await untilDrained();
      expect(busy.wakeups()).toBe(wakeups);
      // With room again each is a look, whatever was done with in advance.
      busy.rabbit.wakeups.spent?.();
      busy.release();
      await stage.add(1);
      await expect.poll(() => busy.wakeups(), patience).toBeGreaterThan(wakeups);
    });

    it("leaves a token to a worker that has room", async () => {
      const busy = await connected({ slots: 1 });
      const [first = ""] = await stage.add(1);
      await expect.poll(() => busy.claimed, patience).toEqual([first]);
      const idle = await connected();
      const [second = ""] = await stage.add(1);
      await expect.poll(() => idle.claimed, patience).toEqual([second]);
      const wakeups = busy.wakeups();
      busy.release();
      const more = await stage.add(1);
      await untilClaimed([first, second, ...more]);
      expect(wakeups).toBeLessThan(5);
    });

    it("makes a dead letter of a token that fails time and again", async () => {
      const one = await connected({ beforeClaim: () => Promise.reject(new Error("always")) });
      await stage.add(1);
      await expect.poll(() => hand.count("tasks.dead"), patience).toBe(1);
      // Five returns are allowed.
      expect(one.wakeups()).toBe(6);
      expect(await hand.deadLetters()).toEqual([{ reason: "delivery_limit", size: 36 }]);
    });

    it("makes a dead letter of something that is no token, and goes on", async () => {
      const one = await connected();
      await hand.publish(tokenQueue.queue, "not a token");
      const uids = await stage.add(1);
      await untilClaimed(uids);
      await expect.poll(() => hand.count("tasks.dead"), patience).toBe(1);
      expect(await hand.deadLetters()).toEqual([{ reason: "rejected", size: 11 }]);
      expect(one.rabbit.health().problem).toBeNull();
    });
  });

  describe("when messages get lost", () => {
    it("publishes again what a worker took and never published", async () => {
      const uids = await stage.add(5);
      // A worker that was killed just then.
      expect(await stage.outbox.take({ limit: 200, leaseMs: 700 })).toHaveLength(5);
      const one = await connected();
      await untilClaimed(uids);
      expect(one.claimed).toHaveLength(5);
      await untilDrained();
    });

    it("gives due tasks a token once more when the queue was emptied", async () => {
      const busy = await connected({ slots: 0 });
      const uids = await stage.add(5);
      await expect.poll(() => stage.outboxSize(), patience).toBe(0);
      await busy[Symbol.asyncDispose]();
      await expect.poll(() => hand.count(tokenQueue.queue), patience).toBeGreaterThan(0);
      await hand.connection.queuePurge(tokenQueue.queue);
      await connected({ reconcileMs: 500 });
      await untilClaimed(uids);
    });

    it("finds its way when its queue is deleted under it", async () => {
      await connected();
      await hand.connection.queueDelete(tokenQueue.queue);
      const uids = await stage.add(3);
      await untilClaimed(uids);
      await untilDrained();
    });

    it("finds out when the broker counts it and gives it nothing, as after a queue was deleted and declared at once", async () => {
      await connected({ patienceMs: 1_000, reconcileMs: 1_000 });
      await hand.connection.queueDelete(tokenQueue.queue);
      await hand.connection.queueDeclare(tokenQueue);
      const uids = await stage.add(3);
      await untilClaimed(uids);
    });

    it("puts the place of the dead letters back when somebody removed it", async () => {
      await connected();
      await hand.connection.queueDelete("tasks.dead");
      await hand.connection.exchangeDelete({ exchange: "tasks.dlx" });
      await expect
        .poll(
          () =>
            hand.connection.queueDeclare({ queue: "tasks.dead", passive: true }).then(
              () => true,
              () => false,
            ),
          patience,
        )
        .toBe(true);
    });
  });

  describe("when connections break", () => {
    it("goes on after the broker closed every connection", async () => {
      const one = await connected();
      await broker.control("close_all_connections", "because of a test");
      const uids = await stage.add(5);
      await untilClaimed(uids);
      await untilHealthy(one);
    });

    it("connects anew when the broker has forgotten it for too long", async () => {
      const one = await connected({ checkMs: 60_000, patienceMs: 50 });
      const before = await broker.control("list_connections", "pid");
      const { wakeups } = one.rabbit;
      if (!("check" in wakeups) || typeof wakeups.check !== "function") throw new Error("not RabbitMQ's");
      const idle = { messages: 0, consumers: 1 };
      for (const counts of [
        { messages: 0, consumers: 0 },
        { messages: 3, consumers: 1 },
      ]) {
        wakeups.check(counts);
        await delay(100);
        wakeups.check(idle);
        wakeups.check(counts);
      }
      expect(await broker.control("list_connections", "pid")).toBe(before);
      await delay(100);
      wakeups.check({ messages: 3, consumers: 1 });
      await untilHealthy(one);
      expect(await broker.control("list_connections", "pid")).not.toBe(before);
      await untilClaimed(await stage.add(1));
    });
  });

  describe("when the broker dies", () => {
    it("loses no task that was committed and not confirmed", async () => {
      const one = await connected();
      broker.pause();
      const uids = await stage.add(20);
      // Taken, and on its way to a broker that answers nothing.
      await expect
        .poll(async () => (await stage.db.selectFrom("taskOutbox").select("attempts").execute()).some((row) => row.attempts > 0), patience)
        .toBe(true);
      expect(await stage.outboxSize()).toBe(20);
      await broker.restart();
      await untilClaimed(uids).catch(async (error: unknown) => {
        // After `kill -9` RabbitMQ 3.10 may not get a quorum queue that it kept going again: consumers are registered, messages are counted and none is
        // delivered until it is started once more. That is the broker's own fault, and rare (not seen in 17 rounds); a task without a message is ours.
        const waiting = await hand.count(tokenQueue.queue);
        if (waiting === 0 || waiting + (await stage.outboxSize()) < uids.length - one.claimed.length) throw error;
        await broker.restart();
        await untilClaimed(uids);
      });
      expect(one.claimed).toHaveLength(20);
      await untilDrained();
    }, 200_000);

    it("takes tasks while the broker is away, says so, and publishes them when it is back with nothing of what it had", async () => {
      const one = await connected({ reconcileMs: 1_000 });
      await broker.kill();
      await expect.poll(() => one.rabbit.health().isConnected, patience).toBe(false);
      const uids = await stage.add(10);
      expect(one.claimed).toEqual([]);
      await broker.restart({ isWiped: true });
      await untilClaimed(uids);
      await untilHealthy(one);
      await untilDrained();
    });

    it("starts without a broker, and finds it later", async () => {
      await broker.stop();
      const one = await worker();
      const uids = await stage.add(2);
      expect(one.rabbit.health()).toMatchObject({ isConnected: false, inbox: { announced: 0, settled: 0, dead: 0 } });
      await broker.restart();
      await untilClaimed(uids);
      await untilHealthy(one);
    });

    it("stops within a few seconds although the broker answers nothing", async () => {
      const one = await worker();
      await expect.poll(() => one.rabbit.health().isConnected, patience).toBe(true);
      broker.pause();
      const startedAt = Date.now();
      await one[Symbol.asyncDispose]();
      expect(Date.now() - startedAt).toBeLessThan(8_000);
    });
  });
});
