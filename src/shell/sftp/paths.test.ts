import { expect, test } from "vitest";
import { canonical, inside, shownTarget, storedTarget, writable } from "./paths.ts";
import { statusOf } from "./status.ts";

const places = [
  { siteId: 1, name: "clock", canWrite: true, epoch: 0 },
  { siteId: 2, name: "read", canWrite: false, epoch: 0 },
];
const all = { root: null, places };
const one = { root: 1, places };
const bytes = (text: string): Buffer => Buffer.from(text);
const refusal = (act: () => unknown): number | undefined => {
  try {
    act();
    return undefined;
  } catch (error) {
    return statusOf(error)?.code;
  }
};

test("a path leads into a place and never out of it", () => {
  expect(inside(all, bytes("/clock/public/../a"))).toMatchObject({ siteId: 1, path: "a" });
  expect(inside(one, bytes("../../../a"))).toMatchObject({ siteId: 1, path: "a" });
  expect(refusal(() => inside(all, bytes("/nosuch/a")))).toBe(2);
  expect(refusal(() => inside(all, bytes("/clock/../..")))).toBe(3);
  expect(refusal(() => writable(all, bytes("/read/a")))).toBe(3);
  expect(refusal(() => writable(one, bytes("/")))).toBe(3);
  expect(refusal(() => inside(one, Buffer.from([0xff, 0xfe])))).toBe(4);
  expect(refusal(() => inside(one, bytes("a\0b")))).toBe(4);
});

test("the home of whoever asks is the root", () => {
  expect([canonical(bytes(".")), canonical(bytes("~/x/../y")), canonical(bytes("/a//b/")), canonical(bytes("..")), canonical(bytes("~x"))]).toEqual([
    "/",
    "/y",
    "/a/b",
    "/",
    "/~x",
  ]);
});

test("a link's target is kept for the site's programs, and shown as the session sees it", () => {
  const at = inside(all, bytes("/clock/dir/link"));
  expect(storedTarget(all, at, "../a")).toBe("../a");
  expect(storedTarget(all, at, "/clock/a")).toBe("/site/a");
  expect(storedTarget(one, at, "/a")).toBe("/site/a");
  expect(refusal(() => storedTarget(all, at, "/read/a"))).toBe(3);
  expect([shownTarget(all, at, "/site/a"), shownTarget(one, at, "/site/a"), shownTarget(one, at, "/site"), shownTarget(one, at, "../a")]).toEqual([
    "/clock/a",
    "/a",
    "/",
    "../a",
  ]);
});
