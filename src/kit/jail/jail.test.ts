import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
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
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { titled, whyNotPython } from "../../../test/support/needs.ts";
import { deletePath, makeFolder, movePath, setExecutable } from "./change-path.ts";
import { Draft, type WriteBudget } from "./draft.ts";
import type { Jail } from "./jail.ts";
import { listFolder } from "./list-folder.ts";
import { openFile, readWhole, statPath } from "./read-file.ts";
import { sweepLeftOvers } from "./remove-tree.ts";
import { walkTree } from "./walk-tree.ts";
import { draftOf, type WriteRequest, writeWhole } from "./write-file.ts";

let outer: string;
let jail: Jail;
const inside = (path: string): string => join(jail.root, path);
const openDescriptors = (): number => readdirSync("/proc/self/fd").length;
const sha256Of = (content: string): string => execFileSync("sha256sum", { input: content, encoding: "utf8" }).slice(0, 64);
const write = (path: string, content: string, more: Partial<WriteRequest> = {}): ReturnType<typeof writeWhole> =>
  writeWhole(jail, path, { source: [Buffer.from(content)], ...more });
async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return "done";
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
}

beforeEach(() => {
  outer = mkdtempSync(join(tmpdir(), "backlot-jail-"));
  jail = { root: join(outer, "site"), owner: null };
  mkdirSync(inside("public"), { recursive: true });
  mkdirSync(join(outer, "elsewhere"));
  writeFileSync(join(outer, "elsewhere/canary"), "canary");
});
afterEach(() => rmSync(outer, { recursive: true }));

describe("writing", () => {
  it("makes parents, answers with the sha256, and tells new from replaced", async () => {
    expect(await write("a/b/c.txt", "one")).toEqual({ path: ["a", "b", "c.txt"], created: true, sha256: sha256Of("one"), size: 3 });
    expect(await write("a/b/c.txt", "two!")).toEqual({ path: ["a", "b", "c.txt"], created: false, sha256: sha256Of("two!"), size: 4 });
    expect(readFileSync(inside("a/b/c.txt"), "utf8")).toBe("two!");
    expect([statSync(inside("a/b")).mode & 0o7777, statSync(inside("a/b/c.txt")).mode & 0o7777]).toEqual([0o755, 0o644]);
    expect(readdirSync(jail.root)).toEqual(["a", "public"]);
  });

  it("keeps the executable bit of what it replaces and drops set-id bits", async () => {
    writeFileSync(inside("run.sh"), "");
    chmodSync(inside("run.sh"), 0o6755);
    await write("run.sh", "exec node");
    expect(statSync(inside("run.sh")).mode & 0o7777).toBe(0o755);
    await write("run.sh", "exec node", { executable: false });
    expect(statSync(inside("run.sh")).mode & 0o7777).toBe(0o644);
  });

  it("refuses when the file is not what the caller expects, and changes nothing", async () => {
    await write("a.txt", "one");
    expect(await codeOf(() => write("a.txt", "two", { expect: sha256Of("zero") }))).toBe("file_changed");
    expect(await codeOf(() => write("a.txt", "two", { absent: true }))).toBe("file_changed");
    expect(await codeOf(() => write("none/b.txt", "two", { expect: sha256Of("one") }))).toBe("file_changed");
    expect(await codeOf(() => write("a.txt", "two", { expect: sha256Of("one") }))).toBe("done");
    expect(readFileSync(inside("a.txt"), "utf8")).toBe("two");
    expect(existsSync(inside("none"))).toBe(false);
  });

  it("lets exactly one of many guarded writes win", async () => {
    await write("a.txt", "start");
    const expectStart = sha256Of("start");
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) => codeOf(() => write("a.txt", `writer ${n}`, { expect: expectStart }))));
    expect(outcomes.toSorted()).toEqual(["done", ...Array<string>(19).fill("file_changed")]);
    const creators = await Promise.all(Array.from({ length: 20 }, (_, n) => codeOf(() => write("new/b.txt", `writer ${n}`, { absent: true }))));
    expect(creators.toSorted()).toEqual(["done", ...Array<string>(19).fill("file_changed")]);
  });

  it("leaves nothing of a write that failed: no file, no folder, no descriptor", async () => {
    const before = openDescriptors();
    const budget: WriteBudget = { fileBytes: 10, take: () => undefined };
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("half");
      throw new Failure("upload_incomplete");
    }
    expect(await codeOf(() => write("x/y.txt", "", { source: broken() }))).toBe("upload_incomplete");
    expect(await codeOf(() => write("x/y.txt", "abc", { expectedBytes: 4 }))).toBe("upload_incomplete");
    expect(await codeOf(() => write("x/y.txt", "eleven bytes", { budget }))).toBe("file_too_large");
    expect(readdirSync(jail.root)).toEqual(["public"]);
    expect(openDescriptors()).toBe(before);
  });

  it("writes through a link that stays inside, and never through one that leaves", async () => {
    symlinkSync("public", inside("www"));
    symlinkSync("/site/public/real.txt", inside("alias"));
    symlinkSync("../elsewhere", inside("out"));
    symlinkSync(join(outer, "elsewhere/canary"), inside("canary"));
    await write("www/index.html", "hello");
    await write("alias", "through");
    expect([readFileSync(inside("public/index.html"), "utf8"), readFileSync(inside("public/real.txt"), "utf8")]).toEqual(["hello", "through"]);
    expect(lstatSync(inside("alias")).isSymbolicLink()).toBe(true);
    expect(await codeOf(() => write("out/canary", "x"))).toBe("path_outside_site");
    expect(await codeOf(() => write("canary", "x"))).toBe("path_outside_site");
    expect(await codeOf(() => write("public/real.txt/x", "x"))).toBe("not_a_folder");
    expect(await codeOf(() => write("public", "x"))).toBe("not_a_file");
    expect(await codeOf(() => write("", "x"))).toBe("not_a_file");
    expect(readFileSync(join(outer, "elsewhere/canary"), "utf8")).toBe("canary");
  });
});

describe("paths", () => {
  it("refuses every trick with path_invalid", async () => {
    const tricks = [
      "..",
      "../elsewhere/canary",
      "a/../../x",
      "/etc/passwd",
      "a\0b",
      "a\\b",
      "x".repeat(300),
      "a//b",
      "./a",
      "a/",
      "\u202Etxt.exe",
      ".backlot-tmp-1",
      "a/.backlot-tmp-x/b",
    ];
    for (const path of tricks) {
      const acts = [
        () => write(path, "x"),
        () => openFile(jail, path),
        () => listFolder(jail, path),
        () => makeFolder(jail, path),
        () => deletePath(jail, path, { recursive: true }),
      ];
      for (const act of acts) expect([path, await codeOf(act)]).toEqual([path, "path_invalid"]);
    }
    expect(readdirSync(jail.root)).toEqual(["public"]);
  });

  it("gives up on links that never end", async () => {
    symlinkSync("two", inside("one"));
    symlinkSync("one", inside("two"));
    expect(await codeOf(() => openFile(jail, "one"))).toBe("path_outside_site");
  });

  it("follows 40 links but not 41", async () => {
    await write("l0", "end");
    for (let n = 1; n <= 41; n += 1) symlinkSync(`l${n - 1}`, inside(`l${n}`));
    expect(Buffer.from(await readWhole(jail, "l40", 10)).toString()).toBe("end");
    expect(await codeOf(() => openFile(jail, "l41"))).toBe("path_outside_site");
  });
});

describe("reading", () => {
  it("reads ranges and hashes the content, again after it changed", async () => {
    await write("a.txt", "0123456789");
    using file = openFile(jail, "a.txt");
    expect([file.size, await file.sha256()]).toEqual([10, sha256Of("0123456789")]);
    expect(await text(file.stream(3, 6))).toBe("345");
    writeFileSync(inside("a.txt"), "9876543210");
    using changed = openFile(jail, "a.txt");
    expect(await changed.sha256()).toBe(sha256Of("9876543210"));
  });

  it("refuses what is no regular file, without waiting for it", async () => {
    for (let n = 0; n < 8; n += 1) execFileSync("mkfifo", [inside(`pipe${n}`)]);
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, n) => [
        codeOf(() => openFile(jail, `pipe${n}`)),
        codeOf(() => write(`pipe${n}`, "x")),
        codeOf(() => draftOf(jail, `pipe${n}`)),
      ]).flat(),
    );
    expect(new Set(outcomes)).toEqual(new Set(["file_special"]));
    expect(await codeOf(() => openFile(jail, "public"))).toBe("not_a_file");
    expect(await codeOf(() => openFile(jail, "nothing"))).toBe("file_not_found");
    expect(await codeOf(() => listFolder(jail, "pipe0"))).toBe("not_a_folder");
    await write("still.txt", "works");
    expect((await listFolder(jail, "")).entries.filter((entry) => entry.type === "other")).toHaveLength(8);
  });

  it("lists folders first, then by name, with targets of links and without what the platform hides", async () => {
    await write("b10.txt", "x");
    await write("b9.txt", "xx", { executable: true });
    symlinkSync("../nowhere", inside("link"));
    writeFileSync(inside(".backlot-tmp-old"), "");
    const { entries, isComplete } = await listFolder(jail, "");
    expect(isComplete).toBe(true);
    expect(entries.map(({ name, type, size, executable, target }) => [name, type, size, executable, target])).toEqual([
      ["public", "folder", 0, false, undefined],
      ["b9.txt", "file", 2, true, undefined],
      ["b10.txt", "file", 1, false, undefined],
      ["link", "link", 10, false, "../nowhere"],
    ]);
    expect([statPath(jail, "link")?.type, statPath(jail, "none"), statPath(jail, "")?.type]).toEqual(["link", undefined, "folder"]);
  });

  it("walks a tree without following links, down to its depth", async () => {
    await write("a/b/c/d.txt", "x");
    symlinkSync("a", inside("link"));
    symlinkSync(join(outer, "elsewhere"), inside("out"));
    const seen: string[] = [];
    for await (const entry of walkTree(jail, "", { maxDepth: 3 })) seen.push(`${entry.path}${entry.isTooDeep ? " too deep" : ""}`);
    expect(seen.toSorted()).toEqual(["a", "a/b", "a/b/c too deep", "link", "out", "public"]);
  });

  it("says of what went away, or became something else, since a walk met it what it says of any path", async () => {
    for (const name of ["gone", "piped", "linked"]) await write(`dir/${name}`, "mine");
    const codes: Record<string, string> = {};
    for await (const entry of walkTree(jail, "dir")) {
      rmSync(inside(`dir/${entry.path}`));
      if (entry.path === "piped") execFileSync("mkfifo", [inside("dir/piped")]);
      if (entry.path === "linked") symlinkSync("/etc/passwd", inside("dir/linked"));
      codes[entry.path] = await codeOf(() => entry.open());
    }
    expect(codes).toEqual({ gone: "file_not_found", piped: "file_special", linked: "path_outside_site" });
  });
});

describe("changing", () => {
  it("moves files, links and folders, and never onto something", async () => {
    await write("a.txt", "a");
    await write("dir/b.txt", "b");
    symlinkSync("a.txt", inside("link"));
    await movePath(jail, "a.txt", "dir/a.txt");
    await movePath(jail, "dir", "public/dir");
    await movePath(jail, "link", "public/link");
    expect(readdirSync(inside("public/dir")).toSorted()).toEqual(["a.txt", "b.txt"]);
    expect(readlinkSync(inside("public/link"))).toBe("a.txt");
    expect(readdirSync(jail.root)).toEqual(["public"]);
    expect(await codeOf(() => movePath(jail, "public/dir/a.txt", "public/dir/b.txt"))).toBe("file_exists");
    expect(await codeOf(() => movePath(jail, "public/dir/a.txt", "public/dir/a.txt"))).toBe("file_exists");
    expect(await codeOf(() => movePath(jail, "public/dir", "public/dir/sub"))).toBe("path_invalid");
    mkdirSync(inside("empty"));
    expect(await codeOf(() => movePath(jail, "public/dir", "empty"))).toBe("file_exists");
    expect(await codeOf(() => movePath(jail, "none", "other"))).toBe("file_not_found");
    expect(await codeOf(() => movePath(jail, "", "other"))).toBe("path_invalid");
  });

  it("deletes files, links and pipes, empty folders, and full ones when told to", async () => {
    await write("dir/sub/a.txt", "a");
    execFileSync("mkfifo", [inside("dir/pipe")]);
    symlinkSync(join(outer, "elsewhere"), inside("dir/out"));
    symlinkSync(join(outer, "elsewhere"), inside("out"));
    expect(await codeOf(() => deletePath(jail, "dir", { recursive: false }))).toBe("folder_not_empty");
    expect(await codeOf(() => deletePath(jail, "", { recursive: true }))).toBe("path_invalid");
    expect(await codeOf(() => deletePath(jail, "out/canary", { recursive: false }))).toBe("path_outside_site");
    await deletePath(jail, "out", { recursive: true });
    await deletePath(jail, "dir", { recursive: true });
    await deletePath(jail, "public", { recursive: false });
    expect(readdirSync(jail.root)).toEqual([]);
    expect(readFileSync(join(outer, "elsewhere/canary"), "utf8")).toBe("canary");
    expect(await codeOf(() => deletePath(jail, "dir", { recursive: true }))).toBe("file_not_found");
  });

  it.skipIf(whyNotPython() !== null)(titled("deletes folders that are nested deeper than a path can say", whyNotPython()), async () => {
    const script = "import os\nos.mkdir('deep'); os.chdir('deep')\nfor n in range(400):\n  os.mkdir('d'*20); os.chdir('d'*20)\nopen('f','w').close()";
    execFileSync("python3", ["-c", script], { cwd: jail.root });
    const before = openDescriptors();
    await deletePath(jail, "deep", { recursive: true });
    expect(readdirSync(jail.root)).toEqual(["public"]);
    expect(openDescriptors()).toBe(before);
  });

  it("makes folders with their parents; there already is success, a file in the way is not", async () => {
    await makeFolder(jail, "a/b/c");
    await makeFolder(jail, "a/b/c");
    await write("a/file", "x");
    expect(statSync(inside("a/b/c")).isDirectory()).toBe(true);
    expect(await codeOf(() => makeFolder(jail, "a/file"))).toBe("file_exists");
    expect(await codeOf(() => makeFolder(jail, "a/file/b"))).toBe("not_a_folder");
  });

  it("sets and clears the executable bit of files only", async () => {
    await write("run.sh", "x");
    chmodSync(inside("run.sh"), 0o4640);
    setExecutable(jail, "run.sh", true);
    expect(statSync(inside("run.sh")).mode & 0o7777).toBe(0o750);
    setExecutable(jail, "run.sh", false);
    expect(statSync(inside("run.sh")).mode & 0o7777).toBe(0o640);
    expect(await codeOf(() => setExecutable(jail, "public", true))).toBe("not_a_file");
  });
});

describe("drafts", () => {
  it("are written by position and appear whole with commit", async () => {
    await write("a.txt", "hello world");
    await using draft = await draftOf(jail, "a.txt");
    await Promise.all([draft.write(Buffer.from("HELLO"), 0), draft.write(Buffer.from("!"), 11)]);
    expect(Buffer.from(await draft.read(0, 100)).toString()).toBe("HELLO world!");
    expect(readFileSync(inside("a.txt"), "utf8")).toBe("hello world");
    await draft.truncate(5);
    await draft.commit("a.txt");
    expect(readFileSync(inside("a.txt"), "utf8")).toBe("HELLO");
  });

  it("vanish when they are not committed", async () => {
    const before = openDescriptors();
    {
      await using draft = new Draft(jail);
      void draft.write(Buffer.alloc(1_000_000), 0);
    }
    expect(readdirSync(jail.root)).toEqual(["public"]);
    expect(openDescriptors()).toBe(before);
  });

  it("left behind by another process are swept, those of this process are not", async () => {
    writeFileSync(inside(".backlot-tmp-000000000000-1"), "old");
    mkdirSync(inside(".backlot-tmp-000000000000-2/sub"), { recursive: true });
    linkSync(join(outer, "elsewhere/canary"), inside(".backlot-tmp-000000000000-2/sub/hard"));
    await using draft = new Draft(jail);
    expect(await sweepLeftOvers(jail)).toBe(2);
    await draft.commit("kept");
    expect(readdirSync(jail.root).toSorted()).toEqual(["kept", "public"]);
  });

  it("that a program makes faster than they are swept get one stretch of time, however many they are", async () => {
    let goesOn = true;
    const refill = async (name: string): Promise<void> => {
      for (let n = 0; goesOn; n += 1) {
        // Gone for a moment, or moved up to where it goes.
        await mkdir(inside(`${name}/${n % 9}`), { recursive: true }).catch(() => undefined);
      }
    };
    const refills = ["1", "2", "3"].map((n) => refill(`.backlot-tmp-${n}`));
    try {
      await expect.poll(() => readdirSync(jail.root).length, { timeout: 20_000 }).toBeGreaterThan(3);
      await sweepLeftOvers(jail, 200);
    } finally {
      goesOn = false;
      await Promise.all(refills);
    }
    await sweepLeftOvers(jail);
    expect(readdirSync(jail.root)).toEqual(["public"]);
  });
});
