import { expect, test } from "vitest";
import { monthOf, monthRange, monthText, nextMonth } from "./months.ts";

test("a month ends where the next begins, also across years", () => {
  expect(monthRange("2026-02")).toEqual({ since: "2026-02-01", until: "2026-03-01" });
  expect(monthRange("2026-12")).toEqual({ since: "2026-12-01", until: "2027-01-01" });
  expect(nextMonth("2026-01", -1)).toBe("2025-12");
  expect(monthOf(new Date(2026, 10, 30))).toBe("2026-11");
  expect(monthText("2026-11")).toBe("November 2026");
});
