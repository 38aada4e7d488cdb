import { expect, it } from "vitest";
import { type HistoryLimits, mostVersions, VersionIndex } from "./version-index.ts";
import type { VersionLine } from "./version-record.ts";

const roomy: HistoryLimits = { bytes: 1_000, versionsPerFile: 3, days: 10, fileBytes: 100 };
const ann = { username: "ann", door: "web" };

let count = 0;
function version(path: string, content: string, change: Partial<VersionLine> = {}): VersionLine {
  count += 1;
  return {
    kind: "version",
    id: `v${count}`,
    path,
    sha256: content.repeat(64).slice(0, 64),
    size: 10,
    executable: false,
    modifiedAt: "2026-01-01T00:00:00.000Z",
    savedBy: null,
    endedAt: "2026-01-02T00:00:00.000Z",
    ended: "overwrite",
    endedBy: ann,
    ...change,
  };
}
const contentsOf = (index: VersionIndex, path: string): string[] => index.versionsOf(path).map((each) => each.sha256.slice(0, 1));

it("versions are listed newest first, and a file keeps only so many", () => {
  const index = new VersionIndex(roomy);
  const freed = ["a", "b", "c", "d"].flatMap((content) => [...index.add(version("x", content))]);
  expect(contentsOf(index, "x")).toEqual(["d", "c", "b"]);
  expect(freed.map((sha256) => sha256.slice(0, 1))).toEqual(["a"]);
});

it("the same content counts once, and goes with the last version that needs it", () => {
  const index = new VersionIndex({ ...roomy, versionsPerFile: 1 });
  index.add(version("x", "a"));
  index.add(version("y", "a"));
  expect(index.bytes).toBe(10);
  expect(index.add(version("x", "b"))).toEqual([]);
  expect(index.add(version("y", "b"))).toEqual(["a".repeat(64)]);
  expect(index.bytes).toBe(10);
});

it("a full history loses its oldest versions first, whatever file they are of", () => {
  const index = new VersionIndex({ ...roomy, bytes: 25 });
  for (const path of ["x", "y", "z"]) index.add(version(path, path === "x" ? "a" : path === "y" ? "b" : "c"));
  expect(["x", "y", "z"].map((path) => contentsOf(index, path).length)).toEqual([0, 1, 1]);
  expect(index.bytes).toBe(20);
});

it("a content larger than everything that may be kept is not kept, and leaves nothing behind", () => {
  const index = new VersionIndex(roomy);
  expect(index.add(version("x", "a", { size: 5_000 }))).toHaveLength(1);
  expect([index.bytes, index.size]).toEqual([0, 0]);
});

it("a site keeps only so many versions, whatever their size", () => {
  const index = new VersionIndex({ ...roomy, bytes: 1e9 });
  for (let number = 0; number < mostVersions + 5; number += 1) index.add(version(`f${number}`, "a"));
  expect(index.size).toBe(mostVersions);
  expect(index.versionsOf("f4")).toEqual([]);
  expect(index.versionsOf("f5")).toHaveLength(1);
});

it("versions that have grown too old, or whose content is lost, are forgotten", () => {
  const index = new VersionIndex(roomy);
  index.add(version("x", "a", { endedAt: "2026-01-02T00:00:00.000Z" }));
  index.add(version("x", "b", { endedAt: "2026-01-05T00:00:00.000Z" }));
  index.add(version("x", "c", { endedAt: "2026-01-05T00:00:00.000Z" }));
  index.prune(Date.parse("2026-01-13T00:00:00.000Z"), (sha256) => !sha256.startsWith("c"));
  expect(contentsOf(index, "x")).toEqual(["b"]);
});

it("renaming a file or a folder carries versions and authors along, and no neighbour's whose name begins alike", () => {
  const index = new VersionIndex(roomy);
  index.add(version("dir/x", "a"));
  index.add(version("dirty/x", "b"));
  index.add({ kind: "saved", path: "dir/x", sha256: "c".repeat(64), by: ann });
  index.add({ kind: "moved", from: "dir", to: "other/place" });
  expect([contentsOf(index, "dir/x"), contentsOf(index, "other/place/x"), contentsOf(index, "dirty/x")]).toEqual([[], ["a"], ["b"]]);
  expect(index.authorOf("other/place/x", "c".repeat(64))).toEqual(ann);
  expect(index.authorOf("other/place/x", "d".repeat(64))).toBeNull();
});

it("its lines say everything that is known", () => {
  const index = new VersionIndex(roomy);
  index.add(version("x", "a"));
  index.add({ kind: "saved", path: "x", sha256: "b".repeat(64), by: ann });
  index.add({ kind: "moved", from: "x", to: "y" });
  const again = new VersionIndex(roomy);
  for (const line of index.lines()) again.add(line);
  expect(again.lines()).toEqual(index.lines());
  expect(again.newestBelow("")).toEqual(index.newestBelow(""));
});

it("empty folders are known for as long as versions are, and stand in a file that is written anew", () => {
  const index = new VersionIndex(roomy);
  index.add({ kind: "folders", paths: ["a", "a/b", "ab"], endedAt: "2026-01-02T00:00:00.000Z" });
  index.add({ kind: "folders", paths: ["a/b"], endedAt: "2026-01-09T00:00:00.000Z" });
  expect(index.foldersAt("a").map(({ path }) => path)).toEqual(["a", "a/b"]);
  const again = new VersionIndex(roomy);
  for (const line of index.lines()) again.add(line);
  expect(again.foldersAt("")).toEqual(index.foldersAt(""));
  again.prune(Date.parse("2026-01-15T00:00:00.000Z"));
  expect(again.foldersAt("")).toEqual([{ path: "a/b", endedAt: "2026-01-09T00:00:00.000Z" }]);
  again.add({ kind: "folders", paths: Array.from({ length: 5_000 }, (_, number) => `f${number}`), endedAt: "2026-01-15T00:00:00.000Z" });
  expect(again.foldersAt("")).toHaveLength(2_000);
});
