import { expect, test } from "vitest";
import type { FileVersion } from "#contract/api/files.ts";
import { deletedTogether, foldersDeletedTogether } from "./deleted.ts";

const version = (path: string, endedAt: string, ended: FileVersion["ended"] = "delete"): FileVersion => ({
  id: path,
  path,
  sha256: "",
  size: 1,
  executable: false,
  modifiedAt: endedAt,
  savedBy: null,
  endedAt,
  ended,
  endedBy: null,
});

test("a folder comes back with what went with it, not with what was deleted there before", () => {
  const now = Date.parse("2026-05-05T12:00:00Z");
  const versions = [
    version("img/a.png", "2026-05-05T12:00:01Z"),
    version("img/old.png", "2026-05-05T11:00:00Z"),
    version("img2/b.png", "2026-05-05T12:00:01Z"),
    version("img/c.png", "2026-05-05T12:00:01Z", "overwrite"),
  ];
  expect(deletedTogether(versions, "img", now).map(({ path }) => path)).toEqual(["img/a.png"]);
  expect(deletedTogether(versions, "img2/b.png", now)).toHaveLength(1);
});

test("its empty folders come back, too", () => {
  const folder = (path: string, second: string) => ({ path, endedAt: `2026-05-05T12:00:${second}Z` });
  const folders = [folder("img/new", "01"), folder("img", "05"), folder("img/older", "00"), folder("img2", "05")];
  expect(foldersDeletedTogether(folders, "img", Date.parse("2026-05-05T12:00:01Z"))).toEqual(["img/new", "img"]);
});
