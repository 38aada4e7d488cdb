import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { steadyClock } from "#kit/clock.ts";
import { silentLog } from "#kit/log.ts";
import { PlacementFence, type ToldPlacement } from "./placement-fence.ts";
import { PlacementWatch } from "./placement-watch.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "backlot-fence-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const fenceOf = (node: string, waitMs = 0): Promise<PlacementFence> =>
  PlacementFence.open({ folder: join(folder, "placements"), node, clock: steadyClock, waitMs });

test("what was never moved is nobody's business", async () => {
  const a = await fenceOf("a");
  await a.take({ siteId: 1 });
  await a.demand({ siteId: 1 });
  expect(await a.look({ siteId: 1 })).toBe("ours");
});

test("who took a site over may start it, after a while; who had it may not any more, and sees that it was taken", async () => {
  const [a, b] = [await fenceOf("a"), await fenceOf("b", 60)];
  await a.take({ siteId: 1, placement: 1 });
  await b.take({ siteId: 1, placement: 2, isTakenOver: true });
  await expect(a.demand({ siteId: 1, placement: 1 })).rejects.toMatchObject({ code: "site_moved" });
  expect(await a.look({ siteId: 1, placement: 1 })).toBe("taken over");
  const asked = performance.now();
  await b.demand({ siteId: 1, placement: 2 });
  expect(performance.now() - asked).toBeGreaterThan(20);
  await b.demand({ siteId: 1, placement: 2 });
});

test("a site that was given away in order goes on where it was, and does not start there again", async () => {
  const [a, b] = [await fenceOf("a"), await fenceOf("b")];
  await b.take({ siteId: 1, placement: 1 });
  expect(await a.look({ siteId: 1 })).toBe("given away");
  await expect(a.demand({ siteId: 1 })).rejects.toMatchObject({ code: "site_moved" });
});

test("an older word comes too late, a repeated one is no other, and a removed site leaves nothing", async () => {
  const [a, b] = [await fenceOf("a"), await fenceOf("b")];
  await b.take({ siteId: 1, placement: 2 });
  await b.take({ siteId: 1, placement: 2 });
  await expect(a.take({ siteId: 1, placement: 1 })).rejects.toMatchObject({ code: "site_moved" });
  await expect(a.take({ siteId: 1, placement: 2 })).rejects.toMatchObject({ code: "site_moved" });
  await b.forget(1);
  expect(await a.look({ siteId: 1, placement: 1 })).toBe("ours");
});

test("the watch ends what was taken over and leaves the rest", async () => {
  const [a, b] = [await fenceOf("a"), await fenceOf("b")];
  await b.take({ siteId: 1, placement: 1, isTakenOver: true });
  await b.take({ siteId: 2, placement: 1 });
  const left: number[] = [];
  const leave = async ({ siteId }: ToldPlacement): Promise<void> => void left.push(siteId);
  const watch = new PlacementWatch({ fence: a, running: () => [{ siteId: 1 }, { siteId: 2 }, { siteId: 3 }], leave, log: silentLog(), everyMs: 1_000 });
  await watch.look();
  expect(left).toEqual([1]);
});
