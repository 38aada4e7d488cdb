import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { OutboxMessage, TaskOutbox } from "#core/tasks/task-outbox.ts";
import { silentLog } from "#kit/log.ts";
import type { Outgoing } from "./broker-publisher.ts";
import { OutboxRelay } from "./outbox-relay.ts";

/** An outbox in memory: what was taken does not come again by itself. */
class FakeOutbox implements TaskOutbox {
  waiting: OutboxMessage[] = [];
  readonly removed: number[] = [];
  readonly putBacks: (readonly [id: number, afterMs: number])[] = [];
  takes = 0;
  failure: Error | null = null;

  add(count: number, attempts = 1): void {
    const first = this.waiting.length + this.removed.length;
    for (let id = first; id < first + count; id += 1) this.waiting.push({ id, uid: `task-${id}`, attempts });
  }
  async take({ limit }: { readonly limit: number }): Promise<readonly OutboxMessage[]> {
    this.takes += 1;
    if (this.failure !== null) throw this.failure;
    return this.waiting.splice(0, limit);
  }
  async remove(ids: readonly number[]): Promise<void> {
    await nextTurn();
    this.removed.push(...ids);
  }
  async putBack(ids: readonly number[], afterMs: number): Promise<void> {
    for (const id of ids) this.putBacks.push([id, afterMs]);
  }
  overdue(): never {
    throw new Error("not asked");
  }
  size(): never {
    throw new Error("not asked");
  }
  stateOf(): never {
    throw new Error("not asked");
  }
}

/** A broker that answers when it is told to. */
class FakePublisher {
  isReady = true;
  inFlight: PromiseWithResolvers<void>[] = [];
  most = 0;

  publish(_message: Outgoing): Promise<void> {
    const answer = Promise.withResolvers<void>();
    this.inFlight.push(answer);
    this.most = Math.max(this.most, this.inFlight.length);
    return answer.promise;
  }
  confirm(count = this.inFlight.length): void {
    for (const answer of this.inFlight.splice(0, count)) answer.resolve();
  }
  refuse(): void {
    for (const answer of this.inFlight.splice(0)) answer.reject(new Error("NACK"));
  }
}

let relays: OutboxRelay[] = [];
function relayOf(outbox: FakeOutbox, publisher: FakePublisher, everyMs = 60_000): OutboxRelay {
  const relay = new OutboxRelay({ outbox, publisher, log: silentLog(), everyMs });
  relays.push(relay);
  relay.start();
  return relay;
}
afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.stop()));
  relays = [];
});

describe("the relay of messages", () => {
  it("removes a message when the broker has confirmed it, and not before", async () => {
    const [outbox, publisher] = [new FakeOutbox(), new FakePublisher()];
    outbox.add(3);
    relayOf(outbox, publisher);
    await expect.poll(() => publisher.inFlight.length).toBe(3);
    expect(outbox.removed).toEqual([]);
    publisher.confirm();
    await expect.poll(() => outbox.removed).toEqual([0, 1, 2]);
  });

  it("has at most 200 on their way, however many wait", async () => {
    const [outbox, publisher] = [new FakeOutbox(), new FakePublisher()];
    outbox.add(1_000);
    relayOf(outbox, publisher);
    await expect
      .poll(
        () => {
          publisher.confirm(37);
          return outbox.removed.length;
        },
        { interval: 1, timeout: 20_000 },
      )
      .toBe(1_000);
    expect(publisher.most).toBe(200);
    expect(outbox.takes).toBeLessThan(20);
  });

  it("puts back what the broker refused, later each time", async () => {
    const [outbox, publisher] = [new FakeOutbox(), new FakePublisher()];
    outbox.add(1);
    outbox.add(1, 4);
    outbox.add(1, 30);
    relayOf(outbox, publisher);
    await expect.poll(() => publisher.inFlight.length).toBe(3);
    publisher.refuse();
    await expect
      .poll(() => outbox.putBacks)
      .toEqual([
        [0, 1_000],
        [1, 8_000],
        [2, 60_000],
      ]);
    expect(outbox.removed).toEqual([]);
  });

  it("leaves everything where it is while the broker is away, and goes on when it is told", async () => {
    const [outbox, publisher] = [new FakeOutbox(), new FakePublisher()];
    outbox.add(1);
    publisher.isReady = false;
    const relay = relayOf(outbox, publisher);
    relay.hint();
    await nextTurn();
    expect(outbox.takes).toBe(0);
    publisher.isReady = true;
    relay.hint();
    await expect.poll(() => publisher.inFlight.length).toBe(1);
    publisher.confirm();
  });

  it("looks by itself when nobody tells it", async () => {
    const [outbox, publisher] = [new FakeOutbox(), new FakePublisher()];
    relayOf(outbox, publisher, 10);
    await expect.poll(() => outbox.takes).toBeGreaterThan(1);
    outbox.add(1);
    await expect.poll(() => publisher.inFlight.length).toBe(1);
    publisher.confirm();
  });

  it("goes on after the database was away", async () => {
    const [outbox, publisher] = [new FakeOutbox(), new FakePublisher()];
    outbox.failure = new Error("the database is away");
    outbox.add(1);
    relayOf(outbox, publisher, 10);
    await expect.poll(() => outbox.takes).toBeGreaterThan(1);
    outbox.failure = null;
    await expect.poll(() => publisher.inFlight.length).toBe(1);
    publisher.confirm();
  });

  it("waits for what is on its way when it stops", async () => {
    const [outbox, publisher] = [new FakeOutbox(), new FakePublisher()];
    outbox.add(2);
    const relay = relayOf(outbox, publisher);
    await expect.poll(() => publisher.inFlight.length).toBe(2);
    const stopped = relay.stop();
    publisher.confirm();
    await stopped;
    expect(outbox.removed).toEqual([0, 1]);
  });
});
