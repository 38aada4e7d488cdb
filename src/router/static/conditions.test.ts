import { expect, test } from "vitest";
import { etagOf, isRangeCurrent, isUnchanged } from "./conditions.ts";

const mtimeMs = Date.parse("2026-01-02T03:04:05.678Z");
const etag = '"abc"';
const none = { ifNoneMatch: undefined, ifModifiedSince: undefined };

test("another size, time or file is another version", () => {
  const file = { size: 10, mtimeMs, ino: 5 };
  const tags = [file, { ...file, size: 11 }, { ...file, mtimeMs: mtimeMs + 0.001 }, { ...file, ino: 6 }].map(etagOf);
  expect(new Set(tags).size).toBe(4);
  expect(etagOf({ ...file })).toBe(tags[0]);
});

test.each([
  ['"abc"', true],
  ['W/"abc"', true],
  ['"x", "abc"', true],
  ["*", true],
  ['"x"', false],
])("If-None-Match %s: unchanged %s", (ifNoneMatch, unchanged) => {
  expect(isUnchanged({ ...none, ifNoneMatch }, etag, mtimeMs)).toBe(unchanged);
});

test("the tag counts for more than the date", () => {
  expect(isUnchanged({ ifNoneMatch: '"x"', ifModifiedSince: "Fri, 02 Jan 2026 03:04:05 GMT" }, etag, mtimeMs)).toBe(false);
});

test.each([
  ["Fri, 02 Jan 2026 03:04:05 GMT", true],
  ["Fri, 02 Jan 2026 03:04:04 GMT", false],
  ["nonsense", false],
])("If-Modified-Since %s: unchanged %s", (ifModifiedSince, unchanged) => {
  expect(isUnchanged({ ...none, ifModifiedSince }, etag, mtimeMs)).toBe(unchanged);
});

test.each([
  [undefined, true],
  ['"abc"', true],
  ['W/"abc"', false],
  ['"x"', false],
  ["Fri, 02 Jan 2026 03:04:05 GMT", true],
  ["Fri, 02 Jan 2026 03:04:06 GMT", false],
])("If-Range %s: a range may be cut %s", (ifRange, current) => {
  expect(isRangeCurrent(ifRange, etag, mtimeMs)).toBe(current);
});
