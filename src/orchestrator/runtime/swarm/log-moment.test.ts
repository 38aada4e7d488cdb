import { expect, it } from "vitest";
import { isLogMoment, momentAfter, momentOf } from "./log-moment.ts";

it("is exact to the billionth of a second, over the end of one", () => {
  expect(momentOf(1_700_000_000_123)).toBe("1700000000.123000000");
  expect(momentAfter("2023-11-14T22:13:20.123456789Z")).toBe("1700000000.123456790");
  expect(momentAfter("2023-11-14T22:13:20.999999999Z")).toBe("1700000001.000000000");
  expect(momentAfter("2023-11-14T22:13:20Z")).toBe("1700000000.000000001");
  expect(momentAfter("2023-11-14T23:13:20.5+01:00")).toBe("1700000000.500000001");
});

it("begins at the beginning where an engine says something else, and knows its own kind", () => {
  expect(momentAfter("yesterday")).toBe("0.000000000");
  expect([momentAfter("2023-11-14T22:13:20Z"), "5", 5, "x.000000001"].map(isLogMoment)).toEqual([true, false, false, false]);
});
