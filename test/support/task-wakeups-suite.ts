// What every source of wake-ups promises a worker. Sources differ in what else they do: that stands in their own tests.
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TaskWakeups, WakeupAnswer } from "#core/tasks/task-wakeups.ts";

export interface WakeupsUnderTest extends AsyncDisposable {
  /** A new source, as one more worker has it; the suite stops it. */
  open(): TaskWakeups;
  /** A task was queued. */
  announce(): Promise<void>;
}

/** A worker that only writes down how it is woken. */
class Sleeper {
  readonly events = new EventTarget();
  count = 0;
  answer: () => Promise<WakeupAnswer> = async () => ({ hasRoom: true, claimed: 1 });

  readonly onWakeup = async (): Promise<WakeupAnswer> => {
    this.count += 1;
    this.events.dispatchEvent(new Event("wakeup"));
    return this.answer();
  };

  /** Resolves when it is woken for the so-manieth time. */
  async untilWoken(times: number): Promise<void> {
    while (this.count < times) await once(this.events, "wakeup", { signal: AbortSignal.timeout(20_000) });
  }

  /** Resolves when it has not been woken for a while. */
  async untilQuiet(ms = 300): Promise<void> {
    for (;;) {
      const isQuiet = await once(this.events, "wakeup", { signal: AbortSignal.timeout(ms) }).then(
        () => false,
        () => true,
      );
      if (isQuiet) return;
    }
  }
}

/** Runs the suite against one source. */
export function taskWakeupsSuite(name: string, open: () => Promise<WakeupsUnderTest>): void {
  describe(`${name} keeps the promises of wake-ups`, () => {
    let source: WakeupsUnderTest;
    beforeAll(async () => {
      source = await open();
    });
    afterAll(() => source[Symbol.asyncDispose]());

    async function worker(): Promise<{ readonly sleeper: Sleeper; readonly wakeups: TaskWakeups } & AsyncDisposable> {
      const wakeups = source.open();
      const sleeper = new Sleeper();
      await wakeups.start(sleeper.onWakeup);
      await expect.poll(() => wakeups.health(), { timeout: 20_000 }).toEqual({ isConnected: true, problem: null });
      await sleeper.untilQuiet();
      return { sleeper, wakeups, [Symbol.asyncDispose]: () => wakeups.stop() };
    }

    it("wakes a worker for a task", async () => {
      await using one = await worker();
      const before = one.sleeper.count;
      await source.announce();
      await one.sleeper.untilWoken(before + 1);
    });

    it("wakes a worker after the last of many tasks, also while it is busy with the first", async () => {
      await using one = await worker();
      const first = Promise.withResolvers<WakeupAnswer>();
      one.sleeper.answer = () => first.promise;
      const before = one.sleeper.count;
      await source.announce();
      await one.sleeper.untilWoken(before + 1);
      for (let number = 0; number < 20; number += 1) await source.announce();
      const busy = one.sleeper.count;
      one.sleeper.answer = async () => ({ hasRoom: true, claimed: 1 });
      first.resolve({ hasRoom: true, claimed: 1 });
      if (busy === before + 1) await one.sleeper.untilWoken(before + 2);
    });

    it("wakes at least one of several workers", async () => {
      await using one = await worker();
      await using two = await worker();
      const before = one.sleeper.count + two.sleeper.count;
      await source.announce();
      await expect.poll(() => one.sleeper.count + two.sleeper.count, { timeout: 20_000 }).toBeGreaterThan(before);
    });

    it("wakes a worker that had no room once it has", async () => {
      await using one = await worker();
      one.sleeper.answer = async () => ({ hasRoom: false, claimed: 0 });
      const before = one.sleeper.count;
      await source.announce();
      await one.sleeper.untilWoken(before + 1);
      await one.sleeper.untilQuiet();
      one.sleeper.answer = async () => ({ hasRoom: true, claimed: 1 });
      one.wakeups.resume();
      const resumed = one.sleeper.count;
      await source.announce();
      await one.sleeper.untilWoken(resumed + 1);
    });

    it("does not wake a worker without room again and again", async () => {
      await using one = await worker();
      one.sleeper.answer = async () => ({ hasRoom: false, claimed: 0 });
      await source.announce();
      await one.sleeper.untilWoken(1);
      await one.sleeper.untilQuiet(1_000);
      expect(one.sleeper.count).toBeLessThan(10);
    });

    it("goes on after a worker failed to look", async () => {
      await using one = await worker();
      one.sleeper.answer = () => Promise.reject(new Error("the database is away"));
      const before = one.sleeper.count;
      await source.announce();
      await one.sleeper.untilWoken(before + 1);
      one.sleeper.answer = async () => ({ hasRoom: true, claimed: 1 });
      const failed = one.sleeper.count;
      await source.announce();
      await one.sleeper.untilWoken(failed + 1);
    });

    it("takes a slot that became free when nothing was held back", async () => {
      await using one = await worker();
      one.wakeups.resume();
      one.wakeups.resume();
      const before = one.sleeper.count;
      await source.announce();
      await one.sleeper.untilWoken(before + 1);
    });

    it("wakes nobody once it has stopped, and stops twice without harm", async () => {
      const one = await worker();
      await one.wakeups.stop();
      const before = one.sleeper.count;
      await source.announce();
      await one.sleeper.untilQuiet(500);
      expect(one.sleeper.count).toBe(before);
      await one.wakeups.stop();
      // What was announced to nobody is left to whoever comes next, or to its own look.
      await using next = await worker();
      expect(next.wakeups.health().isConnected).toBe(true);
    });
  });
}
