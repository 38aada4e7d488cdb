import { expect, test } from "vitest";
import { Failure } from "./failure.ts";
import { parseSitePath, parseUrlPath, urlPathOf } from "./site-path.ts";

const codeOf = (run: () => unknown): string => {
  try {
    run();
    return "fine";
  } catch (error) {
    return error instanceof Failure ? error.code : "bug";
  }
};

test("an ordinary path becomes its segments, the empty one the site's folder", () => {
  expect(parseSitePath("public/img/ä b.png")).toEqual(["public", "img", "ä b.png"]);
  expect(parseSitePath("")).toEqual([]);
});

test.each([
  "/etc/passwd",
  "a/../b",
  "..",
  ".",
  "a//b",
  "a/",
  "a\\b",
  "a\0b",
  "a\nb",
  "a\u202egpj.exe",
  `a/${"x".repeat(256)}`,
  "ä".repeat(128),
  `${"x/".repeat(64)}y`,
  "\ud800",
])("%j is refused", (path) => expect(codeOf(() => parseSitePath(path))).toBe("path_invalid"));

test("names of 255 bytes and dotfiles are fine", () => {
  expect(codeOf(() => parseSitePath("x".repeat(255)))).toBe("fine");
  expect(codeOf(() => parseSitePath(".home/.bashrc"))).toBe("fine");
  expect(codeOf(() => parseSitePath("..."))).toBe("fine");
});

test("a URL's path is decoded segment by segment", () => {
  expect(parseUrlPath("public/a%20b.html")).toEqual({ path: "public/a b.html", isFolder: false });
  expect(parseUrlPath("public/")).toEqual({ path: "public", isFolder: true });
  expect(parseUrlPath("")).toEqual({ path: "", isFolder: true });
});

test.each(["a%2Fb", "%2e%2e/a", "..%2f", "a%00", "%5c", "%", "%zz", "%c3%28"])("%s in a URL is refused", (raw) => {
  expect(codeOf(() => parseUrlPath(raw))).toBe("path_invalid");
});

test("a path survives the way into a URL and back", () => {
  const path = "public/100 %/ä?#&+.txt";
  expect(parseUrlPath(urlPathOf(path)).path).toBe(path);
});
