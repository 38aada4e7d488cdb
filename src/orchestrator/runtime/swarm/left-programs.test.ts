import { expect, it } from "vitest";
import { silentLog } from "#kit/log.ts";
import type { LeftContainer } from "./left-containers.ts";
import { LeftPrograms } from "./left-programs.ts";

const patience = { timeout: 20_000, interval: 5 };

function containerOf(siteId: number, instance = "a"): LeftContainer {
  return { siteId, instance, start: `s${siteId}`, slot: "first", containerId: `c${siteId}`, image: "lab:1", hasEgress: false };
}

/** Programs of these sites, of which some cannot be ended as often as is said. */
function scene(siteIds: readonly number[], stubborn: Readonly<Record<number, number>> = {}) {
  const refusals = new Map(Object.entries(stubborn).map(([siteId, times]) => [Number(siteId), times]));
  const ended: number[] = [];
  const left = new LeftPrograms({
    end: async ({ siteId }) => {
      const times = refusals.get(siteId) ?? 0;
      refusals.set(siteId, times - 1);
      if (times > 0) throw new Error(`site ${siteId}: no answer`);
      ended.push(siteId);
    },
    log: silentLog(),
    sweepEveryMs: 5,
  });
  for (const siteId of siteIds) left.put(containerOf(siteId));
  return { left, ended };
}

it("ends the others although one cannot be ended, and that one later", async () => {
  const { left, ended } = scene([1, 2, 3], { 1: 3 });
  await expect(left.drop()).rejects.toThrow("site 1: no answer");
  expect([ended, left.has(1), left.has(2)]).toEqual([[2, 3], true, false]);
  await expect.poll(() => ended, patience).toEqual([2, 3, 1]);
  expect(left.has(1)).toBe(false);
});

it("knows a site's program that could not be ended, so that the next who asks ends it", async () => {
  const { left, ended } = scene([1, 2], { 1: 1 });
  await expect(left.drop(1)).rejects.toThrow("no answer");
  expect(left.find(1, "a")).toEqual(containerOf(1));
  await left.drop(1);
  expect([ended, left.has(1), left.has(2)]).toEqual([[1], false, true]);
});

it("does not end what somebody takes charge of meanwhile, and gives nobody what is being ended", async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const asked: number[] = [];
  const left = new LeftPrograms({ end: ({ siteId }) => gates[asked.push(siteId) - 1]?.promise ?? Promise.resolve(), log: silentLog() });
  for (const siteId of [1, 2]) left.put(containerOf(siteId));
  const dropping = left.drop();
  const alone = left.drop(1);
  expect([left.find(1, "a"), left.has(1), left.find(2, "a")?.siteId, left.find(2, "b")]).toEqual([undefined, true, 2, undefined]);
  left.take(2, "first");
  gates[0]?.resolve();
  await Promise.all([dropping, alone]);
  expect([asked, left.has(1)]).toEqual([[1], false]);
});

it("ends what could not be taken charge of after nobody was wanted any more", async () => {
  const { left, ended } = scene([]);
  await left.drop();
  left.put(containerOf(4));
  await expect.poll(() => ended, patience).toEqual([4]);
});

it("leaves the rest to the next orchestrator once it is closed", async () => {
  const { left, ended } = scene([1], { 1: 1 });
  await expect(left.drop()).rejects.toThrow("no answer");
  left.close();
  await left.drop();
  expect([ended, left.has(1)]).toEqual([[], true]);
});
