import { expect, test } from "vitest";
import type { FolderEntry } from "#contract/api/files.ts";
import { baseOf, crumbsOf, joinPath, parentOf, pathProblem, publicAddress, sortEntries } from "./paths.ts";

const entry = (name: string, type: FolderEntry["type"] = "file"): FolderEntry => ({
  name,
  type,
  size: 1,
  modifiedAt: "2026-01-01T00:00:00Z",
  executable: false,
});

test("a path and its parts go together", () => {
  expect(joinPath("", "run.sh")).toBe("run.sh");
  expect(joinPath("public/img", "a.png")).toBe("public/img/a.png");
  expect([parentOf("public/img/a.png"), parentOf("run.sh")]).toEqual(["public/img", ""]);
  expect(baseOf("public/img/a.png")).toBe("a.png");
  expect(crumbsOf("public/img")).toEqual([
    { name: "public", path: "public" },
    { name: "img", path: "public/img" },
  ]);
  expect(crumbsOf("")).toEqual([]);
});

test("names that the manager would refuse are refused while they are typed", () => {
  expect(pathProblem("index.html", "public")).toBeNull();
  expect(pathProblem("img/logo.svg")).toBeNull();
  for (const name of ["", "..", "a/../b", "a\\b", "a//b", "/a", "a\u202eb", "x".repeat(256)]) expect(pathProblem(name, "public")).toMatch(/\.$/);
});

test("folders come first, and numbers in names count as numbers", () => {
  const names = sortEntries([entry("b10.txt"), entry("img", "folder"), entry("b9.txt"), entry("a.txt"), entry("css", "folder")]).map(({ name }) => name);
  expect(names).toEqual(["css", "img", "a.txt", "b9.txt", "b10.txt"]);
});

test("only what is public has an address, and an index page that of its folder", () => {
  const at = (path: string) => publicAddress("http://chess.localhost:8080/", path);
  expect(at("public/index.html")).toBe("http://chess.localhost:8080/");
  expect(at("public/docs/index.html")).toBe("http://chess.localhost:8080/docs/");
  expect(at("public/a b#1.png")).toBe("http://chess.localhost:8080/a%20b%231.png");
  expect([at("private/x"), at("run.sh"), at("public/.secret"), at("public")]).toEqual([null, null, null, null]);
});
