import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import type { WriteBudget } from "./draft.ts";
import type { Jail } from "./jail.ts";
import { patchFile, setModified } from "./patch-file.ts";
import { statPath } from "./read-file.ts";

let outer: string;
let jail: Jail;
const inside = (path: string): string => join(jail.root, path);
const read = (path: string): string => readFileSync(inside(path), "utf8");

beforeEach(() => {
  outer = mkdtempSync(join(tmpdir(), "backlot-patch-"));
  jail = { root: join(outer, "site"), owner: null };
  mkdirSync(jail.root);
  writeFileSync(join(outer, "outside.txt"), "canary");
});
afterEach(() => rmSync(outer, { recursive: true }));

/** A budget that says how much was taken. */
function budgetOf(fileBytes: number, diskBytes = Number.MAX_SAFE_INTEGER): WriteBudget & { taken: number } {
  const budget = {
    fileBytes,
    taken: 0,
    take: (bytes: number): void => {
      if (budget.taken + bytes > diskBytes) throw new Failure("quota_exceeded");
      budget.taken += bytes;
    },
  };
  return budget;
}

const patch = (path: string, text: string, at: { readonly offset?: number; readonly absent?: boolean } = {}, budget: WriteBudget = budgetOf(1_000_000)) =>
  patchFile(jail, path, { source: [Buffer.from(text)], budget, ...at });

async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === "function" ? work() : work);
    return "done";
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
}

describe("writing into a file in place", () => {
  it("begins at the offset, at the end without one, and leaves the rest as it was", async () => {
    writeFileSync(inside("a.txt"), "0123456789");
    expect(await patch("a.txt", "ab", { offset: 3 })).toMatchObject({ created: false, size: 10 });
    expect(await patch("a.txt", "XYZ")).toMatchObject({ created: false, size: 13 });
    expect(await patch("a.txt", "!!", { offset: 12 })).toMatchObject({ created: false, size: 14 });
    expect(read("a.txt")).toBe("012ab56789XY!!");
  });

  it("makes a missing file where it begins at its start, and only there", async () => {
    expect(await patch("new.txt", "abc", { offset: 0, absent: true })).toMatchObject({ created: true, size: 3 });
    expect(await patch("end.txt", "abc")).toMatchObject({ created: true, size: 3 });
    expect(lstatSync(inside("new.txt")).mode & 0o7777).toBe(0o644);
    expect(await codeOf(patch("none.txt", "abc", { offset: 1 }))).toBe("file_not_found");
    expect(await codeOf(patch("none/a.txt", "abc"))).toBe("file_not_found");
    expect(readdirSync(jail.root)).toEqual(["end.txt", "new.txt"]);
  });

  it("refuses a file that is there already where it must not be, and one that would get a gap", async () => {
    writeFileSync(inside("a.txt"), "abc");
    expect(await codeOf(patch("a.txt", "x", { offset: 0, absent: true }))).toBe("file_changed");
    expect(await codeOf(patch("a.txt", "x", { offset: 4 }))).toBe("range_not_satisfiable");
    expect(read("a.txt")).toBe("abc");
  });

  it("keeps what arrived when the source fails, so that it can be resumed", async () => {
    async function* cut(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("0123");
      yield Buffer.from("45");
      throw new Failure("upload_incomplete");
    }
    expect(await codeOf(patchFile(jail, "part.txt", { source: cut(), budget: budgetOf(100), offset: 0, absent: true }))).toBe("upload_incomplete");
    expect(read("part.txt")).toBe("012345");
    await patch("part.txt", "6789", { offset: 6 });
    expect(read("part.txt")).toBe("0123456789");
  });

  it("counts only what the file grows by, and stops at the limits of file and site", async () => {
    writeFileSync(inside("a.txt"), "0123456789");
    const budget = budgetOf(12, 100);
    await patch("a.txt", "abcd", { offset: 8 }, budget);
    expect(budget.taken).toBe(2);
    expect(await codeOf(patch("a.txt", "x", {}, budget))).toBe("file_too_large");
    expect(await codeOf(patch("b.txt", "0123456789", {}, budgetOf(100, 5)))).toBe("quota_exceeded");
    expect([read("a.txt"), read("b.txt")]).toEqual(["01234567abcd", ""]);
  });

  it("counts what it writes into holes, as far as there are any", async () => {
    writeFileSync(inside("sparse"), "");
    truncateSync(inside("sparse"), 900_000);
    const budget = budgetOf(1_000_000, 700_000);
    const bytes = "x".repeat(300_000);
    await patch("sparse", bytes, { offset: 0 }, budget);
    expect(budget.taken).toBe(300_000);
    await patch("sparse", bytes, { offset: 300_000 }, budget);
    expect(await codeOf(patch("sparse", bytes, { offset: 600_000 }, budget))).toBe("quota_exceeded");
    writeFileSync(inside("full"), "y".repeat(900_000));
    await patch("full", "z".repeat(900_000), { offset: 0 }, budget);
    expect(budget.taken).toBe(600_000);
  });

  it("follows links inside, leaves the site by none, and touches no pipe and no folder", async () => {
    writeFileSync(inside("real.txt"), "abc");
    mkdirSync(inside("folder"));
    execFileSync("mkfifo", [inside("pipe")]);
    symlinkSync("real.txt", inside("link"));
    symlinkSync("../outside.txt", inside("out"));
    symlinkSync(outer, inside("up"));
    await patch("link", "def");
    expect(read("real.txt")).toBe("abcdef");
    for (const path of ["out", "up/outside.txt", "../outside.txt"])
      expect([path, await codeOf(patch(path, "x"))]).toEqual([path, expect.stringMatching(/^path_/)]);
    expect([await codeOf(patch("pipe", "x")), await codeOf(patch("folder", "x")), await codeOf(patch("", "x"))]).toEqual([
      expect.stringMatching(/^file_special|not_a_file$/),
      "not_a_file",
      "not_a_file",
    ]);
    expect(readFileSync(join(outer, "outside.txt"), "utf8")).toBe("canary");
  });
});

describe("the time of the last change", () => {
  const then = new Date("2020-01-02T03:04:05.000Z");

  it("is set of files, folders and the site's folder itself, through links inside", async () => {
    writeFileSync(inside("a.txt"), "abc");
    mkdirSync(inside("folder"));
    symlinkSync("a.txt", inside("link"));
    for (const path of ["link", "folder", ""]) setModified(jail, path, then);
    for (const path of ["a.txt", "folder", ""]) expect([path, statPath(jail, path)?.modifiedAt]).toEqual([path, then.toISOString()]);
  });

  it("is set of nothing outside, of no pipe, and of nothing that is not there", async () => {
    symlinkSync("../outside.txt", inside("out"));
    execFileSync("mkfifo", [inside("pipe")]);
    const before = new Date("2021-01-01T00:00:00Z");
    utimesSync(join(outer, "outside.txt"), before, before);
    expect(await codeOf(() => setModified(jail, "out", then))).toMatch(/^path_/);
    expect(await codeOf(() => setModified(jail, "pipe", then))).toBe("file_special");
    expect(await codeOf(() => setModified(jail, "none", then))).toBe("file_not_found");
    expect(lstatSync(join(outer, "outside.txt")).mtime).toEqual(before);
  });
});
