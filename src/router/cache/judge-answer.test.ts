import { expect, test } from "vitest";
import type { RouteCache } from "#contract/site-cache.ts";
import { parseResponseHead } from "../proxy/response-head.ts";
import { formatDirectives, parseDirectives, secondsOf } from "./directives.ts";
import { type Answer, judgeAnswer, renewPage } from "./judge-answer.ts";

const now = Date.parse("2026-11-22T09:00:00Z");
const cache: RouteCache = { generation: 1, defaultSeconds: 0, revalidateSeconds: 30, staleSeconds: 600, sharesSignedIn: false, bytes: 1_000_000 };
const request = { headers: { host: "app.localhost" }, unkeyed: [], isSignedIn: false };

function answer(head: string, over: Partial<RouteCache> = {}, status = 200): Answer {
  const lines = ["Content-Length: 4", ...head.split("\n").filter((line) => line !== "")].join("\r\n");
  return { head: parseResponseHead(`HTTP/1.1 ${status} OK\r\n${lines}`), request, cache: { ...cache, ...over }, now, mostBytes: 1_000 };
}
/** Seconds for which it is fresh, and may be old while renewed, when the program fails, and while it sleeps; null: not kept. */
function times(...given: Parameters<typeof answer>): readonly number[] | null {
  const terms = judgeAnswer(answer(...given));
  if (terms === null) return null;
  const { freshUntil, revalidateUntil, errorUntil, asleepUntil } = terms;
  return [freshUntil - now, revalidateUntil - freshUntil, errorUntil - freshUntil, asleepUntil - freshUntil].map((ms) => ms / 1000);
}

test.each([
  ["Cache-Control: max-age=60", [60, 30, 600, 600]],
  ["Cache-Control: MAX-AGE=60", [60, 30, 600, 600]],
  ["Cache-Control: max-age=60, max-age=10", [10, 30, 600, 600]],
  ["Cache-Control: max-age=60\nAge: 20", [40, 30, 600, 600]],
  ["Cache-Control: max-age=60, s-maxage=10", [10, 0, 0, 0]],
  ["Cache-Control: s-maxage=10, stale-while-revalidate=5", [10, 5, 0, 5]],
  ["Cache-Control: max-age=60, must-revalidate", [60, 0, 0, 0]],
  ["Cache-Control: max-age=60, proxy-revalidate", null],
  ["Cache-Control: max-age=60, stale-while-revalidate=5, stale-if-error=7", [60, 5, 7, 600]],
  ["Cache-Control: max-age=0", [0, 0, 600, 600]],
  ["Cache-Control: max-age=0, must-revalidate", null],
  ["Cache-Control: no-cache", null],
  ["Cache-Control: public", null],
  ['Cache-Control: private="x", max-age=60', null],
  ["Cache-Control: max-age=never", [0, 0, 600, 600]],
  ["Expires: Sun, 22 Nov 2026 09:01:00 GMT\nDate: Sun, 22 Nov 2026 09:00:00 GMT", [60, 30, 600, 600]],
  ["Expires: 0", null],
  ["Last-Modified: Sun, 22 Nov 2020 09:01:00 GMT", null],
  ["", null],
] as const)("%s", (head, expected) => {
  expect(times(head)).toEqual(expected);
});

test("the site's own time is for answers that say nothing of it, and short for what is not there", () => {
  expect(times("", { defaultSeconds: 3600 })).toEqual([3600, 30, 600, 600]);
  expect(times("Last-Modified: Sun, 22 Nov 2020 09:01:00 GMT", { defaultSeconds: 3600 })).toEqual([3600, 30, 600, 600]);
  expect(times("", { defaultSeconds: 3600 }, 404)).toEqual([60, 30, 600, 600]);
  expect(times("", { defaultSeconds: 3600 }, 302)).toBeNull();
  expect(times("", { defaultSeconds: 3600 }, 500)).toBeNull();
  for (const said of ["Cache-Control: no-cache", "Cache-Control: no-store", "Pragma: no-cache", "Expires: 0"])
    expect(times(said, { defaultSeconds: 3600 })).toBeNull();
  expect(times("Cache-Control: max-age=60", {}, 404)).toEqual([60, 30, 600, 600]);
});

test("what a header holds that Node would not send is not kept", () => {
  expect(times("Cache-Control: max-age=60\nX-Odd: a\u0001b")).toBeNull();
});

test("kept headers are those of the answer without age, tags and length, and with a date", () => {
  const terms = judgeAnswer(answer("Cache-Control: max-age=60\nAge: 1\nCache-Tag: a, b ,a\nLink: <x>\nLink: <y>"));
  expect(terms?.fields).toEqual(["Cache-Control", "max-age=60", "Link", "<x>", "Link", "<y>", "Date", "Sun, 22 Nov 2026 09:00:00 GMT"]);
  expect(terms?.tags).toEqual(["a", "b"]);
});

test("an answer of 304 renews times and headers, and not one that is about another version", () => {
  const terms = judgeAnswer(answer('Cache-Control: max-age=0\nETag: "1"\nX-Old: yes\nContent-Type: text/plain'));
  if (terms === null) throw new Error("not kept");
  const page = { ...terms, key: "k", path: "/", varied: "", generation: 1, body: Buffer.from("body") };
  const renewed = renewPage(page, answer('Cache-Control: max-age=60\nETag: W/"1"\nContent-Type: text/html\nX-New: yes', {}, 304));
  expect(renewed?.freshUntil).toBe(now + 60_000);
  expect(renewed?.fields).toEqual(expect.arrayContaining(["X-Old", "yes", "X-New", "text/plain"].slice(0, 3)));
  expect(renewed?.fields).toContain("text/plain");
  expect(renewPage(page, answer('Cache-Control: max-age=60\nETag: "2"', {}, 304))).toBeNull();
  expect(renewPage(page, answer("Cache-Control: no-store", {}, 304))).toBeNull();
});

test("directives are read whatever their case and quotes, and written so that the library reads them", () => {
  const read = parseDirectives('Public , MAX-AGE = "60", x="a, b", no-store');
  expect([...read]).toEqual([
    ["public", null],
    ["max-age", "60"],
    ["x", "a, b"],
    ["no-store", null],
  ]);
  expect(formatDirectives(read)).toBe('public, max-age=60, x="a  b", no-store');
  expect([secondsOf(read, "max-age"), secondsOf(read, "x"), secondsOf(read, "s-maxage")]).toEqual([60, 0, null]);
});
