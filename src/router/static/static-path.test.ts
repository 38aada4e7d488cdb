import { expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import { folderLocation, parseStaticPath } from "./static-path.ts";

test.each([
  ["/", { names: [], isFolder: true, isHidden: false }],
  ["/a/b.html", { names: ["a", "b.html"], isFolder: false, isHidden: false }],
  ["/a%20b/%C3%BC/", { names: ["a b", "ü"], isFolder: true, isHidden: false }],
  ["/.git/config", { names: [".git", "config"], isFolder: false, isHidden: true }],
  ["/a/.env", { names: ["a", ".env"], isFolder: false, isHidden: true }],
  ["/%2Eenv", { names: [".env"], isFolder: false, isHidden: true }],
  ["/.well-known/security.txt", { names: [".well-known", "security.txt"], isFolder: false, isHidden: false }],
  ["/a/.well-known/x", { names: ["a", ".well-known", "x"], isFolder: false, isHidden: true }],
])("%s is %j", (path, parsed) => {
  expect(parseStaticPath(path)).toEqual(parsed);
});

test.each(["/..", "/a/../b", "/%2e%2e/x", "/..%2fx", "/a%00b", "/a\\b", "/a%5Cb", "//evil.example/", "/a//b", "/%zz", "/%ff", `/${"x".repeat(300)}`])(
  "%s is refused",
  (path) => {
    expect(() => parseStaticPath(path)).toThrow(Failure);
  },
);

test("a folder's address is made of its names, so that it leads nowhere else", () => {
  expect(folderLocation(["a b", "ü"], "?x=1")).toBe("/a%20b/%C3%BC/?x=1");
  expect(folderLocation(["evil.example"], "")).toBe("/evil.example/");
});
