import { afterEach, expect, test, vi } from "vitest";
import * as cron from "./cron.ts";
import { NextRuns } from "./next-runs.ts";

vi.mock(import("./cron.ts"), { spy: true });
afterEach(() => void vi.mocked(cron.parseCron).mockClear());

const hourly = { cron: "0 * * * *", timeZone: "UTC" };
const at = (time: string): number => Date.parse(`2026-11-22T${time}Z`);
const hours = (runs: readonly Date[]): readonly string[] => runs.map((run) => run.toISOString().slice(11, 16));

test("the next five runs are worked out once until the first of them", () => {
  const next = new NextRuns();
  for (const time of ["10:00:00", "10:30:00", "10:59:59.999"]) {
    expect(hours(next.of(hourly, at(time)))).toEqual(["11:00", "12:00", "13:00", "14:00", "15:00"]);
  }
  expect(cron.parseCron).toHaveBeenCalledTimes(1);
  expect(hours(next.of(hourly, at("11:00:00")))).toEqual(["12:00", "13:00", "14:00", "15:00", "16:00"]);
  // A clock that was set back.
  expect(hours(next.of(hourly, at("08:00:00")))[0]).toBe("09:00");
  expect(hours(next.of({ ...hourly, timeZone: "Asia/Kolkata" }, at("08:00:00")))[0]).toBe("08:30");
  expect(cron.parseCron).toHaveBeenCalledTimes(4);
});

test("a plan without any run is remembered, too, and only so many are", () => {
  const next = new NextRuns({ most: 3 });
  const never = { cron: "0 0 30 2 *", timeZone: "UTC" };
  expect([next.of(never, at("10:00:00")), next.of(never, at("11:00:00"))]).toEqual([[], []]);
  expect(cron.parseCron).toHaveBeenCalledTimes(1);
  for (let plan = 0; plan < 3; plan += 1) next.of({ cron: `${plan} 5 * * *`, timeZone: "UTC" }, at("10:00:00"));
  next.of(never, at("11:00:00"));
  expect(cron.parseCron).toHaveBeenCalledTimes(5);
});
