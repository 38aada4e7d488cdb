import { expect, it } from "vitest";
import { silentLog } from "#kit/log.ts";
import type { ToldPlacement } from "./placement-fence.ts";
import { PlacementWatch } from "./placement-watch.ts";

it("leaves what was taken over as it was placed, and again when that failed", async () => {
  const left: ToldPlacement[] = [];
  const running: readonly ToldPlacement[] = [{ siteId: 1 }, { siteId: 2, placement: 3 }, { siteId: 3 }];
  const watch = new PlacementWatch({
    fence: {
      look: async ({ siteId }) => {
        if (siteId === 1) throw new Error("the storage is away");
        return siteId === 2 ? "taken over" : "given away";
      },
    },
    running: () => running,
    leave: async (site) => {
      left.push(site);
      if (left.length === 1) throw new Error("the disk is away");
    },
    log: silentLog(),
    everyMs: 60_000,
  });
  await watch.look();
  await watch.look();
  expect(left).toEqual([running[1], running[1]]);
});
