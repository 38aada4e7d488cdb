import { expect, test } from "vitest";
import { parseIgnoreRules } from "./ignore-rules.ts";

test("a .backlotignore is read as git reads its own", () => {
  const ignores = parseIgnoreRules("# notes\n*.log\n!keep.log\n/build\ndocs/*.md\ntmp/\n**/cache\n");
  const judged = (path: string, isFolder = false) => ignores(path, isFolder);
  expect(["a.log", "x/a.log", "build", "docs/a.md", "x/cache"].map((path) => judged(path))).toEqual([true, true, true, true, true]);
  expect(["keep.log", "x/build", "docs/x/a.md", "tmp", "a.txt", "A.LOG"].map((path) => judged(path))).toEqual([false, false, false, false, false, false]);
  expect(judged("x/tmp", true)).toBe(true);
});

test.for([
  ["config/*", "config/.env"],
  [".env", ".config/.env"],
  ["**/.env", ".config/.env"],
  ["*.key", ".secret.key"],
  ["docs/**", "docs/.htpasswd"],
  ["docs/**", "docs/.old/.htpasswd"],
  ["*", ".env"],
  ["?env", ".env"],
  ["a/**/b", "a/.x/b"],
] as const)("the rule %s covers %s: a dot is a character like any other", ([rule, path]) => {
  expect(parseIgnoreRules(rule)(path, false)).toBe(true);
});

test.for([
  ["\\#f", "#f"],
  ["\\!f", "!f"],
  ["img\\[1\\].png", "img[1].png"],
  ["a\\*b", "a*b"],
  ["end\\ ", "end "],
  ["[[:digit:]].txt", "7.txt"],
  ["\ufeff*.key", "a.key"],
  ["*.key\r\n*.pem\r\n", "a.key"],
] as const)("the rule %j covers %j", ([rule, path]) => {
  expect(parseIgnoreRules(rule)(path, false)).toBe(true);
});

test("an escaped character stands for itself only", () => {
  const ignores = parseIgnoreRules("a\\*b\nimg\\[1\\].png\n");
  expect(["axb", "img1.png"].map((path) => ignores(path, false))).toEqual([false, false]);
});

test("what is left behind by default is so at every depth, beside a dot too, unless it is asked for or kept by a rule", () => {
  const ignores = parseIgnoreRules("!.DS_Store\n");
  expect([".git", ".vscode/node_modules", "a/b/.svn"].map((path) => ignores(path, true))).toEqual([true, true, true]);
  expect(ignores("a/.DS_Store", false)).toBe(false);
  expect(parseIgnoreRules("node_modules\n", ["node_modules"])(".vscode/node_modules", true)).toBe(false);
});
