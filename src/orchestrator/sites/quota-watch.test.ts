import { expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { silentLog } from "#kit/log.ts";
import { QuotaWatch } from "./quota-watch.ts";

const full = new Failure("quota_exceeded", { detail: "its files have 2 bytes together and may have 1" });

function watchOf(excess: (siteId: number) => Promise<Failure | null>) {
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
