import { expect, test } from "vitest";
import { parseRange } from "./range.ts";

test.each([
  ["bytes=0-4", { start: 0, end: 5 }],
  ["bytes=5-", { start: 5, end: 10 }],
  ["bytes=-3", { start: 7, end: 10 }],
  ["bytes=-99", { start: 0, end: 10 }],
  ["bytes=8-99", { start: 8, end: 10 }],
  ["Bytes= 1-1 ", { start: 1, end: 2 }],
  ["bytes=10-", "unsatisfiable"],
  ["bytes=99-100", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=5-4", null],
  ["bytes=-", null],
  ["bytes=a-b", null],
  ["bytes=0-1,3-4", null],
  ["lines=0-1", null],
  ["bytes=99999999999999999999-", null],
  [undefined, null],
])("of ten bytes %s is %j", (header, range) => {
  expect(parseRange(header, 10)).toEqual(range);
});

test("no part of an empty file can be had", () => {
  expect(parseRange("bytes=0-0", 0)).toBe("unsatisfiable");
  expect(parseRange("bytes=-5", 0)).toBe("unsatisfiable");
});
