import { expect, it } from "vitest";
import { backOffMs } from "./retry.ts";

it("the wait doubles with every failure in a row, up to the most", () => {
  const waits = [0, 1, 2, 3, 6, 7, 1000].map((failures) => backOffMs(failures, { firstMs: 100, mostMs: 5000 }));
  expect(waits).toEqual([100, 100, 200, 400, 3200, 5000, 5000]);
});
