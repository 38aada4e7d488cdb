import { expect, test } from "vitest";
import { shareText, sumsOf } from "./traffic-sums.ts";

const quiet = { requests: 0, errors: 0, bytes: 0, hits: 0, stale: 0, misses: 0 };

test("points are summed, and what the page cache had no part in is what remains", () => {
  const points = [
    { ...quiet, start: 60_000 },
    { start: 120_000, requests: 10, errors: 2, bytes: 5_000, hits: 4, stale: 1, misses: 3 },
    // A router that counts a request before its visit to the cache.
    { ...quiet, start: 180_000, requests: 1, errors: 2, hits: 2 },
  ];
  expect(sumsOf(points)).toEqual({
    ...{ requests: 11, errors: 4, bytes: 5_000, kept: 7 },
    at: [60, 120, 180],
    answered: [0, 8, 0],
    bypassed: [0, 2, 0],
  });
});

test.each([
  [0, 0, "0 %"],
  [0, 9, "0 %"],
  [1, 5_000, "under 0.1 %"],
  [1, 250, "0.4 %"],
  [1, 20, "5 %"],
  [9_99, 10_000, "10 %"],
  [10, 10, "100 %"],
])("%d of %d is %s", (part, whole, text) => void expect(shareText(part, whole)).toBe(text));
