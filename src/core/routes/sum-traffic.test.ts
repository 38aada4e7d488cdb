import { expect, test } from "vitest";
import type { TrafficPoint } from "#contract/site-traffic.ts";
import { sumTraffic } from "./sum-traffic.ts";

const minute = 60_000;
const noon = Date.UTC(2026, 10, 22, 12);
const none = { requests: 0, errors: 0, bytes: 0, hits: 0, stale: 0, misses: 0 };
const point = (start: number, over: Partial<TrafficPoint>): TrafficPoint => ({ start, ...none, ...over });

test("routers' points of one minute are added up, and minutes without a request stand for themselves", () => {
  const first = [point(noon - minute, { requests: 3, hits: 1, bytes: 30 }), point(noon, { requests: 1, errors: 1 })];
  const second = [point(noon - minute, { requests: 2, misses: 2, stale: 1, bytes: 5 })];
  const sum = sumTraffic([first, second], "hour", noon + 59_999);
  expect(sum.length).toBe(60);
  expect(sum.slice(-3)).toEqual([
    point(noon - 2 * minute, {}),
    point(noon - minute, { requests: 5, hits: 1, misses: 2, stale: 1, bytes: 35 }),
    point(noon, { requests: 1, errors: 1 }),
  ]);
});

test("a point before the range, in the future or between two minutes is left out", () => {
  const odd = [noon - 60 * minute, noon + minute, noon - 1].map((start) => point(start, { requests: 1 }));
  expect(sumTraffic([odd], "hour", noon).every(({ requests }) => requests === 0)).toBe(true);
});

test("without routers there is nothing but time", () => {
  const week = sumTraffic([], "week", noon + 1);
  expect([week.length, week[0]?.start, week.at(-1)?.start]).toEqual([168, noon - 167 * 3_600_000, noon]);
});
