import { expect, test } from "vitest";
import { TaskMeter, waitBounds } from "./task-meter.ts";

const due = (runAt: number) => ({ runAt: new Date(runAt) });

test("waits are counted under every bound that they kept", () => {
  const meter = new TaskMeter();
  meter.noteClaim(due(1_000), 1_007);
  meter.noteClaim(due(1_000), 8_801_000);
  meter.noteClaim(due(1_000), 11_000);
  const under = Object.fromEntries(waitBounds.map((bound, at) => [bound, meter.waits[at]]));
  expect(under).toMatchObject({ 0.005: 0, 0.01: 1, 5: 1, 10: 2, 3600: 2 });
  expect([meter.claimed, meter.waitSeconds]).toEqual([3, 8_810.007]);
});

test("nobody waits less than not at all, whatever another machine's clock says", () => {
  const meter = new TaskMeter();
  meter.noteClaim(due(5_000), 1_000);
  expect([meter.waitSeconds, meter.waits[0]]).toEqual([0, 1]);
});

test("attempts are counted by how they ended", () => {
  const meter = new TaskMeter();
  for (const end of ["exited", "lost", "exited"] as const) meter.noteEnd(end);
  expect([...meter.ended]).toEqual([
    ["exited", 2],
    ["lost", 1],
  ]);
});
