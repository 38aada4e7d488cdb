import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import type { Jail } from "#kit/jail/jail.ts";
import { defaultSearchLimits, type SearchLimits, type SearchQuery, searchTree } from "./search-tree.ts";

let jail: Jail;
beforeEach(() => {
  jail = { root: mkdtempSync(join(tmpdir(), "backlot-search-")), owner: null };
});
afterEach(() => rmSync(jail.root, { recursive: true }));

const never = new AbortController().signal;
/** On a busy machine the thread alone may take longer to begin than people would wait. */
const patient: SearchLimits = { ...defaultSearchLimits, timeMs: 50_000 };
function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(jail.root, path)), { recursive: true });
  writeFileSync(join(jail.root, path), content);
}
const search = (query: string, more: Partial<SearchQuery> = {}, limits: Partial<SearchLimits> = {}) =>
  searchTree(jail, { query, regex: false, case: false, word: false, path: "", all: false, ...more }, { signal: never, limits: { ...patient, ...limits } });
async function placesOf(query: string, more: Partial<SearchQuery> = {}): Promise<string[]> {
  const { files } = await search(query, more);
  return files.flatMap(({ path, matches }) => matches.map(({ line, column, length }) => `${path}:${line}:${column}+${length}`)).toSorted();
}

it("finds plain text wherever it stands, whatever its case unless asked, and takes nothing in it for a pattern", async () => {
  write("a.txt", "first\r\nFoo(bar) and foo(BAR)\n");
  write("b/c.txt", "über foo(bar)");
  expect(await placesOf("foo(bar)")).toEqual(["a.txt:2:0+8", "a.txt:2:13+8", "b/c.txt:1:5+8"]);
  expect(await placesOf("foo(bar)", { case: true })).toEqual(["b/c.txt:1:5+8"]);
  expect(await placesOf("foo(bar)", { path: "b" })).toEqual(["b/c.txt:1:5+8"]);
  expect(await placesOf("ÜBER")).toEqual(["b/c.txt:1:0+4"]);
});

it("matches patterns line by line, and whole words when asked", async () => {
  write("a.txt", "cat concat\ncatalogue\n\ncat_");
  expect(await placesOf("^c.t$|^cat\\b", { regex: true })).toEqual(["a.txt:1:0+3"]);
  expect(await placesOf("cat", { word: true })).toEqual(["a.txt:1:0+3"]);
  expect(await placesOf("c(a)t|x", { regex: true, word: true })).toEqual(["a.txt:1:0+3"]);
  // An empty match is told once a line.
  expect(await placesOf("$", { regex: true })).toEqual(["a.txt:1:10+0", "a.txt:2:9+0", "a.txt:3:0+0", "a.txt:4:4+0"]);
});

it("refuses a pattern that is none, and says what is wrong with it", async () => {
  for (const query of ["(", "a)(b", "[z-a]", "\\p{Nothing}", "*"]) {
    await expect(search(query, { regex: true })).rejects.toSatisfy((error) => error instanceof Failure && error.code === "pattern_invalid");
  }
});

it("looks into no binary, large or special file, behind no link, and into what is fetched only when asked", async () => {
  write("text.txt", "needle");
  write("binary.bin", Buffer.concat([Buffer.from([0]), Buffer.from("needle")]));
  write("large.txt", `needle${" ".repeat(3_000_000)}`);
  write("node_modules/x/index.js", "needle");
  write(".git/config", "needle");
  write(".home/.cache/x", "needle");
  execFileSync("mkfifo", [join(jail.root, "pipe")]);
  symlinkSync("/etc/passwd", join(jail.root, "out"));
  symlinkSync("text.txt", join(jail.root, "in"));
  symlinkSync("/etc", join(jail.root, "etc"));
  writeFileSync(Buffer.concat([Buffer.from(`${jail.root}/`), Buffer.from([0xff, 0xfe])]), "needle");
  const { files, truncated, skipped, searched } = await search("needle");
  expect([files.map(({ path }) => path), truncated, skipped, searched.files]).toEqual([["text.txt"], null, 2, 1]);
  expect((await search("needle", { all: true })).files.map(({ path }) => path).toSorted()).toEqual([
    ".git/config",
    ".home/.cache/x",
    "node_modules/x/index.js",
    "text.txt",
  ]);
  await expect(search("root", { path: "etc" })).rejects.toMatchObject({ code: "path_outside_site" });
});

it("ends a pattern that would take for ever, tells what it found, and holds up nothing else meanwhile", async () => {
  write("a.txt", "needle aaaa");
  write("b.txt", `${"a".repeat(40)}!`);
  const began = Date.now();
  let longestMs = 0;
  let last = began;
  const ticking = setInterval(() => {
    longestMs = Math.max(longestMs, Date.now() - last);
    last = Date.now();
  }, 10);
  const { truncated } = await search("(a+)+$", { regex: true }, { timeMs: 600 });
  clearInterval(ticking);
  expect(truncated).toBe("time");
  expect(Date.now() - began).toBeLessThan(4_000);
  expect(longestMs).toBeLessThan(500);
});

it("breaks off at its limits and says at which", async () => {
  for (let number = 0; number < 30; number += 1) write(`f${number}.txt`, "needle needle\n".repeat(10));
  expect(await search("needle", {}, { files: 5 })).toMatchObject({ truncated: "files", searched: { files: 5 } });
  expect(await search("needle", {}, { bytes: 1_000 })).toMatchObject({ truncated: "bytes" });
  const few = await search("needle", {}, { matches: 25 });
  expect([few.truncated, few.files.flatMap(({ matches }) => matches).length]).toEqual(["matches", 25]);
  const cut = await search("needle", { path: "" }, { matchesPerFile: 3 });
  expect([cut.truncated, cut.files.length, cut.files.every(({ matches }) => matches.length === 3)]).toEqual(["matches", 30, true]);
});

it("shows a long line round its match", async () => {
  write("a.js", `${"x".repeat(5_000)}needle${"y".repeat(5_000)}`);
  const match = (await search("needle")).files[0]?.matches[0];
  expect(match).toMatchObject({ column: 5_000, length: 6 });
  expect(match?.text.indexOf("needle")).toBe(5_000 - (match?.textStart ?? 0));
  expect(match?.text.length).toBeLessThanOrEqual(300);
});
