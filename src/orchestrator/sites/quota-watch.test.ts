import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { silentLog } from "#kit/log.ts";
import { QuotaWatch } from "./quota-watch.ts";

const full = new Failure("quota_exceeded", { detail: "its files have 2 bytes together and may have 1" });

function watchOf(excess: (siteId: number) => Promise<Failure | null>, patienceMs = 60_000) {
  const stopped: number[] = [];
  const asked: number[] = [];
  const watch = new QuotaWatch({
    running: () => [1, 2, 3],
    excess: (siteId) => {
      asked.push(siteId);
      return excess(siteId);
    },
    stop: async (siteId) => void stopped.push(siteId),
    log: silentLog(),
    everyMs: 60_000,
    patienceMs,
  });
  return { watch, stopped, asked };
}

it("stops only those that outgrew their quota, and goes on after one that cannot be counted", async () => {
  const { watch, stopped } = watchOf(async (siteId) => {
    if (siteId === 1) throw new Error("removed meanwhile");
    return siteId === 3 ? full : null;
  });
  await watch.look();
  expect(stopped).toEqual([3]);
});

it("counts at a start only sites that were full, and lets them start once they fit", async () => {
  let isFull = true;
  const { watch, asked } = watchOf(async (siteId) => (siteId === 3 && isFull ? full : null));
  await watch.checkRoom(3);
  expect(asked).toEqual([]);
  await watch.look();
  await expect(watch.checkRoom(3)).rejects.toBe(full);
  await watch.checkRoom(2);
  isFull = false;
  await watch.checkRoom(3);
  await watch.checkRoom(3);
  expect(asked).toEqual([1, 2, 3, 3, 3]);
});

it("goes on with the others while one takes long, does not count that one twice, and stops it when it is known", async () => {
  const counting = Promise.withResolvers<Failure | null>();
  const { watch, stopped, asked } = watchOf((siteId) => (siteId === 1 ? counting.promise : Promise.resolve(siteId === 2 ? full : null)), 10);
  await watch.look();
  await watch.look();
  expect([asked, stopped]).toEqual([
    [1, 2, 3, 2, 3],
    [2, 2],
  ]);
  counting.resolve(full);
  await expect.poll(() => stopped, { timeout: 20_000 }).toEqual([2, 2, 1]);
  await watch.look();
  expect(asked.slice(-3)).toEqual([1, 2, 3]);
});

it("stops nothing once it has been stopped itself", async () => {
  const counting = Promise.withResolvers<Failure | null>();
  const { watch, stopped, asked } = watchOf(() => counting.promise);
  void watch.look();
  await watch.stop();
  counting.resolve(full);
  await setImmediate();
  expect([asked, stopped]).toEqual([[1], []]);
});
