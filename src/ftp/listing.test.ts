import { expect, test } from "vitest";
import { factLine, factNames, fitsPattern, listLine, parseFactTime } from "./listing.ts";

const entry = { name: "a b.txt", type: "file", size: 1234, modifiedAt: "2026-11-22T03:41:42.500Z", executable: true } as const;
const now = Date.parse("2026-11-23T00:00:00Z");

test("LIST looks like ls -l, with the year for what is older than half a year", () => {
  expect(listLine({ entry, canWrite: true }, "ada", now)).toBe("-rwxr-xr-x   1 ada      ada          1234 Nov 22 03:41 a b.txt\r\n");
  expect(listLine({ entry: { ...entry, type: "folder", modifiedAt: "2020-01-02T00:00:00Z" }, canWrite: false }, "ada", now)).toBe(
    "dr-xr-xr-x   1 ada      ada          1234 Jan 02  2020 a b.txt\r\n",
  );
});
test("a name with the end of a line in it stays one line", () => {
  expect(listLine({ entry: { ...entry, name: "a\r\n-rw evil" }, canWrite: true }, "ada", now)).toMatch(/ a\?\?-rw evil\r\n$/);
});
test("MLSD tells the facts that were asked for", () => {
  expect(factLine({ entry, canWrite: true }, factNames)).toBe("type=file;perm=radwf;size=1234;modify=20261122034142;unix.mode=0755; a b.txt");
  expect(factLine({ entry: { ...entry, type: "folder" }, canWrite: false }, ["type", "size"])).toBe("type=dir; a b.txt");
});
test("times are read exactly or not at all", () => {
  expect(parseFactTime("20200102030405")?.toISOString()).toBe("2020-01-02T03:04:05.000Z");
  for (const bad of ["20200230000000", "2020", "x", "20201301000000"]) expect([bad, parseFactTime(bad)]).toEqual([bad, undefined]);
});
test("patterns fit in no more than quadratic time", () => {
  expect([fitsPattern("a.txt", "*.txt"), fitsPattern("a.txt", "?.tx?"), fitsPattern("a.txt", "b*"), fitsPattern("", "*")]).toEqual([true, true, false, true]);
  const before = performance.now();
  expect(fitsPattern("a".repeat(255), `${"a*".repeat(100)}b`)).toBe(false);
  expect(performance.now() - before).toBeLessThan(200);
});
