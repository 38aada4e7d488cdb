import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { type CopyBudget, copyPath } from "./copy-path.ts";
import type { Jail } from "./jail.ts";

let outer: string;
let jail: Jail;
beforeEach(() => {
  outer = mkdtempSync(join(tmpdir(), "backlot-copy-"));
  jail = { root: join(outer, "site"), owner: null };
  mkdirSync(jail.root);
});
afterEach(() => rmSync(outer, { recursive: true }));

const inside = (path: string): string => join(jail.root, path);
function write(path: string, content: string): void {
  mkdirSync(dirname(inside(path)), { recursive: true });
  writeFileSync(inside(path), content);
}
const roomy: CopyBudget = { fileBytes: 1e9, entries: 1e6, take: () => undefined };
const copy = (from: string, to: string, budget: Partial<CopyBudget> = {}) => copyPath(jail, { from, to }, { ...roomy, ...budget });
const leftOvers = (): string[] => readdirSync(jail.root).filter((name) => name.startsWith(".backlot-tmp-"));
async function codeOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return "done";
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
}

it("copies a file with its executable bit, and a link as the link that it is", async () => {
  write("a.sh", "content");
  chmodSync(inside("a.sh"), 0o755);
  symlinkSync("/etc/passwd", inside("link"));
  expect(await copy("a.sh", "b.sh")).toEqual({ files: 1, bytes: 7, path: ["b.sh"] });
  expect([readFileSync(inside("b.sh"), "utf8"), statSync(inside("b.sh")).mode & 0o777]).toEqual(["content", 0o755]);
  await copy("link", "other");
  expect(readlinkSync(inside("other"))).toBe("/etc/passwd");
});

it("copies a folder with everything in it but pipes, also names that are no text", async () => {
  write("d/a/b.txt", "deep");
  write("d/c.txt", "flat");
  mkdirSync(inside("d/empty"));
  symlinkSync("c.txt", inside("d/link"));
  execFileSync("mkfifo", [inside("d/pipe")]);
  const odd = Buffer.concat([Buffer.from(`${inside("d")}/`), Buffer.from([0xff, 0xfe])]);
  writeFileSync(odd, "odd");
  expect(await copy("d", "e")).toEqual({ files: 7, bytes: 11, path: ["e"] });
  expect(readdirSync(inside("e"), { encoding: "latin1" }).toSorted()).toEqual(["a", "c.txt", "empty", "link", "ÿþ"]);
  expect([readFileSync(inside("e/a/b.txt"), "utf8"), readlinkSync(inside("e/link")), leftOvers()]).toEqual(["deep", "c.txt", []]);
});

it("a folder can be copied into itself: as it was before", async () => {
  write("d/a.txt", "x");
  await copy("d", "d/again");
  expect(readdirSync(inside("d/again"))).toEqual(["a.txt"]);
});

it("refuses what is there already, the site itself, pipes, missing sources and missing folders", async () => {
  write("a.txt", "x");
  write("d/b.txt", "y");
  execFileSync("mkfifo", [inside("pipe")]);
  const codes = await Promise.all(
    [
      ["a.txt", "d/b.txt"],
      ["d", "a.txt"],
      ["a.txt", "d"],
      ["d", ""],
      ["", "e"],
      ["pipe", "e"],
      ["missing", "e"],
      ["a.txt", "missing/e"],
      ["d", "missing/e"],
      ["a.txt", "../e"],
    ].map(([from = "", to = ""]) => codeOf(() => copy(from, to))),
  );
  expect(codes).toEqual([
    ...["file_exists", "file_exists", "file_exists", "file_exists", "path_invalid"],
    ...["file_special", "file_not_found", "file_not_found", "file_not_found", "path_invalid"],
  ]);
  expect([existsSync(inside("e")), leftOvers()]).toEqual([false, []]);
});

it("leaves nothing behind when there is no more room, in bytes, in files, or in depth", async () => {
  write("d/a.txt", "12345");
  write("d/b.txt", "12345");
  let left = 7;
  const take = (bytes: number): void => {
    left -= bytes;
    if (left < 0) throw new Failure("quota_exceeded", { detail: "full" });
  };
  expect(await codeOf(() => copy("d", "e", { take }))).toBe("quota_exceeded");
  expect(await codeOf(() => copy("d", "e", { entries: 2 }))).toBe("quota_exceeded");
  expect(await codeOf(() => copy("d", "e", { fileBytes: 3 }))).toBe("file_too_large");
  const deep = Array.from({ length: 60 }, () => "x").join("/");
  write(`${deep}/a.txt`, "");
  mkdirSync(inside("one/two/three/four"), { recursive: true });
  expect(await codeOf(() => copy("x", "one/two/three/four/x"))).toBe("path_invalid");
  expect([existsSync(inside("e")), leftOvers(), readdirSync(inside("one/two/three/four"))]).toEqual([false, [], []]);
});

it("follows no link on the way out", async () => {
  mkdirSync(join(outer, "elsewhere"));
  writeFileSync(join(outer, "elsewhere/secret"), "canary");
  symlinkSync(join(outer, "elsewhere"), inside("out"));
  write("a.txt", "x");
  expect(await codeOf(() => copy("out/secret", "b"))).toBe("path_outside_site");
  expect(await codeOf(() => copy("a.txt", "out/b"))).toBe("path_outside_site");
  write("d/x", "");
  symlinkSync(join(outer, "elsewhere"), inside("d/out"));
  await copy("d", "e");
  expect([lstatSync(inside("e/out")).isSymbolicLink(), readdirSync(join(outer, "elsewhere"))]).toEqual([true, ["secret"]]);
});
