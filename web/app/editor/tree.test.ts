import { expect, test } from "vitest";
import type { FolderEntry } from "#contract/api/files.ts";
import { copyName, entryWords, type FolderState, findByLetters, foldersAbove, moveProblem, stepFrom, type TreeRow, treeRows } from "./tree.ts";

const entry = (name: string, type: FolderEntry["type"] = "file", more: Partial<FolderEntry> = {}): FolderEntry => ({
  name,
  type,
  size: 1,
  modifiedAt: "2026-01-01T00:00:00.000Z",
  executable: false,
  ...more,
});
const there = (...entries: FolderEntry[]): FolderState => ({ state: "there", entries, isTruncated: false });
const text = (rows: readonly TreeRow[]): string[] => rows.map((row) => `${"  ".repeat(row.depth)}${row.kind === "entry" ? row.entry.name : `(${row.text})`}`);

const folders = new Map<string, FolderState>([
  ["", there(entry("private", "folder"), entry("public", "folder"), entry(".env"), entry("run.sh"))],
  ["public", there(entry("img", "folder"), entry("index.html"))],
  ["public/img", { state: "failed", problem: "Backlot is away." }],
]);
const open = (...expanded: string[]) => treeRows({ folders, expanded: new Set(expanded), showsHidden: false });

test("only open folders show what they hold, and what is not known yet is said", () => {
  expect(text(open())).toEqual(["private", "public", "run.sh"]);
  expect(text(open("public", "public/img", "private"))).toEqual([
    "private",
    "  (Loading…)",
    "public",
    "  img",
    "    (Backlot is away.)",
    "  index.html",
    "run.sh",
  ]);
});

test("hidden files are shown when asked for, and a folder of nothing else says so", () => {
  const rows = treeRows({ folders, expanded: new Set(), showsHidden: true });
  expect(text(rows)).toEqual(["private", "public", ".env", "run.sh"]);
  const only = new Map([["", there(entry(".git", "folder"))]]);
  expect(text(treeRows({ folders: only, expanded: new Set(), showsHidden: false }))).toEqual(["(Only hidden files)"]);
  expect(text(treeRows({ folders: new Map([["", there()]]), expanded: new Set(), showsHidden: false }))).toEqual(["(Empty)"]);
});

test("a folder too large to be listed says that there is more", () => {
  const large = new Map<string, FolderState>([["", { state: "there", entries: [entry("a")], isTruncated: true }]]);
  expect(text(treeRows({ folders: large, expanded: new Set(), showsHidden: false }))).toEqual(["a", "(More files than can be listed; the search finds them)"]);
});

test("keys lead from entry to entry, past words, and stop at the ends", () => {
  const rows = open("private");
  expect(stepFrom(rows, "private", "down")).toBe("public");
  expect(stepFrom(rows, "private", "up")).toBe("private");
  expect(stepFrom(rows, "run.sh", "down")).toBe("run.sh");
  expect(stepFrom(rows, null, "down")).toBe("private");
  expect(stepFrom(rows, "private", "last")).toBe("run.sh");
  expect(stepFrom([], null, "down")).toBeNull();
});

test("letters find the next entry that begins so", () => {
  const rows = open("public");
  expect(findByLetters(rows, "private", "p")).toBe("public");
  expect(findByLetters(rows, "public", "p")).toBe("private");
  expect(findByLetters(rows, "public", "pu")).toBe("public");
  expect(findByLetters(rows, null, "zz")).toBeNull();
});

test("nothing moves into itself or to where it is", () => {
  expect(moveProblem("public", "public/img")).toBe("A folder cannot go into itself.");
  expect(moveProblem("public", "public")).toBe("A folder cannot go into itself.");
  expect(moveProblem("public/a", "public")).toBe("It is there already.");
  expect(moveProblem("public2/a", "public")).toBeNull();
  expect(moveProblem("public", "public2")).toBeNull();
});

test("a copy gets a name that nothing else has", () => {
  expect(copyName("a.txt", new Set(["a.txt"]))).toBe("a copy.txt");
  expect(copyName("a copy.txt", new Set(["a.txt", "a copy.txt"]))).toBe("a copy 2.txt");
  expect(copyName(".env", new Set())).toBe(".env copy");
  expect(copyName("img", new Set(["img copy"]))).toBe("img copy 2");
});

test("what an icon shows is also said", () => {
  expect(entryWords(entry("run.sh", "file", { executable: true }))).toBe("run.sh, executable");
  expect(entryWords(entry("latest", "link", { target: "../2026" }))).toBe("latest, link to ../2026");
  expect(entryWords(entry("img", "folder"))).toBe("img");
  expect(foldersAbove("a/b/c.txt")).toEqual(["a", "a/b"]);
});
