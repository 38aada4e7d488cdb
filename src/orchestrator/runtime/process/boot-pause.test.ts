import { expect, it } from "vitest";
import { bootPauseMs } from "./boot-pause.ts";

it.each([
  [0, 2],
  [999.9, 2],
  [1000, 5],
  [4999.9, 5],
  [5000, 25],
  [600_000, 25],
])("after %s ms of boot the next look comes in %s ms", (bootedMs, pauseMs) => void expect(bootPauseMs(bootedMs)).toBe(pauseMs));

it("makes a boot longer by 5 ms or half a percent at most", () => {
  for (let bootedMs = 0; bootedMs < 60_000; bootedMs += 50) expect(bootPauseMs(bootedMs)).toBeLessThanOrEqual(Math.max(5, bootedMs / 200));
});
