import { expect, test } from "vitest";
import { TrafficBook } from "./traffic-book.ts";

const minute = 60_000;
const hour = 60 * minute;
const noon = Date.UTC(2026, 10, 22, 12);
const ok = { status: 200, bytes: 100 };

function bookAt(start: number, mostSites?: number) {
  const time = { now: start };
  return { time, book: new TrafficBook(() => time.now, mostSites) };
}

test("requests, errors, bytes and the page cache's answers are added up by the minute and by the hour", () => {
  const { time, book } = bookAt(noon + 59 * minute);
  book.note(7, ok);
  book.note(7, { status: 502, bytes: 50 });
  book.noteKept(7, "misses");
  time.now = noon + 60 * minute + 5;
  book.note(7, { status: 404, bytes: 1 });
  book.noteKept(7, "hits");
  book.noteKept(7, "stale");
  const first = { requests: 2, errors: 1, bytes: 150, hits: 0, stale: 0, misses: 1 };
  const second = { requests: 1, errors: 0, bytes: 1, hits: 1, stale: 1, misses: 0 };
  expect(book.points(7, "hour")).toEqual([
    { start: noon + 59 * minute, ...first },
    { start: noon + hour, ...second },
  ]);
  expect(book.points(7, "day")).toEqual([
    { start: noon, ...first },
    { start: noon + hour, ...second },
  ]);
  expect(book.totals).toEqual({ requests: 3, errors: 1, bytes: 151 });
  expect(book.points(8, "hour")).toEqual([]);
});

test("what is older than the range is left out, and a minute or hour too many is not kept", () => {
  const { time, book } = bookAt(noon);
  for (let count = 0; count < 400; count += 1) {
    time.now = noon + count * hour;
    book.note(7, ok);
  }
  expect(book.points(7, "hour").map(({ start }) => start)).toEqual([time.now]);
  expect([book.points(7, "day").length, book.points(7, "week").length]).toEqual([24, 168]);
  expect(book.points(7, "week")[0]?.start).toBe(time.now - 167 * hour);
  time.now += 8 * 24 * hour;
  expect(book.points(7, "week")).toEqual([]);
});

test("a clock that is set back adds to the minute that is there", () => {
  const { time, book } = bookAt(noon);
  book.note(7, ok);
  time.now = noon - 10 * minute;
  book.note(7, ok);
  expect(book.points(7, "hour").map(({ start, requests }) => [start, requests])).toEqual([[noon, 2]]);
});

test("of too many sites the one that nobody visited for longest goes, and a site that is gone is forgotten", () => {
  const { time, book } = bookAt(noon, 2);
  for (const siteId of [1, 2, 1, 3]) {
    book.note(siteId, ok);
    time.now += 1;
  }
  const known = (): number[] => [1, 2, 3].filter((siteId) => book.points(siteId, "hour").length > 0);
  expect(known()).toEqual([1, 3]);
  book.forget(1);
  expect(known()).toEqual([3]);
  expect(book.totals.requests).toBe(4);
});
