import { expect, test } from "vitest";
import { longName, modeOf } from "./attributes.ts";

const entry = { name: "a b.txt", type: "file" as const, size: 1234, modifiedAt: "2026-11-22T03:41:42Z", executable: true };
const now = Date.parse("2026-11-22T05:00:00Z");

test("a mode says what something is, who may execute it, and that a viewer writes nothing", () => {
  expect(modeOf({ entry, canWrite: true })).toBe(0o100755);
  expect(modeOf({ entry: { ...entry, executable: false }, canWrite: false })).toBe(0o100444);
  expect(modeOf({ entry: { ...entry, type: "folder" }, canWrite: false })).toBe(0o040555);
  expect(modeOf({ entry: { ...entry, type: "link" }, canWrite: false })).toBe(0o120777);
});

test("a long name is a line of ls, with the year of what is old", () => {
  expect(longName({ entry, canWrite: true }, "ada", now)).toBe("-rwxr-xr-x    1 ada      ada          1234 Nov 22 03:41 a b.txt");
  expect(longName({ entry: { ...entry, type: "folder", modifiedAt: "2020-01-02T00:00:00Z" }, canWrite: false }, "ada", now)).toBe(
    "dr-xr-xr-x    1 ada      ada          1234 Jan  2  2020 a b.txt",
  );
});
