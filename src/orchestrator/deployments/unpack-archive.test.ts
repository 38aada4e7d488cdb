import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { type Header, pack } from "tar-stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { unlimited } from "#kit/jail/draft.ts";
import { ArchivePlan, type UnpackedPlan } from "./archive-plan.ts";
import { unpackArchive } from "./unpack-archive.ts";

let folder: string;
let staging: string;
const limits = { entries: 1000, fileBytes: 1_000_000, totalBytes: 5_000_000 };
type Item = readonly [Partial<Header> & { name: string }, (string | Buffer)?];

async function tar(items: readonly Item[]): Promise<Buffer> {
  const out = pack();
  for (const [header, content] of items) out.entry({ mode: 0o644, ...header }, content ?? "");
  out.finalize();
  return gzipSync(await buffer(out));
}
async function unpack(archive: Buffer, more: Partial<typeof limits> = {}): Promise<UnpackedPlan> {
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging);
  writeFileSync(join(folder, "a.tgz"), archive);
  return unpackArchive({ archive: join(folder, "a.tgz"), staging, limits: { ...limits, ...more }, budget: unlimited, owner: null });
}
async function refusal(items: readonly Item[] | Buffer, more: Partial<typeof limits> = {}): Promise<string> {
  try {
    await unpack(Buffer.isBuffer(items) ? items : await tar(items), more);
    return "accepted";
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
}
const openDescriptors = (): number => readdirSync("/proc/self/fd").length;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "backlot-unpack-"));
  staging = join(folder, "staging");
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("an ordinary archive", () => {
  it("is laid down under numbers, with everything else in the plan", async () => {
    const plan = await unpack(
      await tar([
        [{ name: "./", type: "directory" }],
        [{ name: "./run.sh" }, "exec node"],
        [{ name: "./public/größe.txt", mode: 0o6777 }, "hello"],
        [{ name: `./public/${"long/".repeat(30)}end` }, "x"],
        [{ name: "./.home/.cache/", type: "directory" }],
        [{ name: "./public/current", type: "symlink", linkname: "../private/v2" }],
        [{ name: "./public/abs", type: "symlink", linkname: "/site/private/v2" }],
        [{ name: "./copy", type: "link", linkname: "./run.sh" }],
      ]),
    );
    expect(
      plan.entries
        .filter((entry) => entry.kind !== "folder")
        .map(({ path, ...rest }) => [path, "executable" in rest ? rest.executable : "target" in rest ? rest.target : ""]),
    ).toEqual([
      ["copy", true],
      ["public/abs", "/site/private/v2"],
      ["public/current", "../private/v2"],
      ["public/größe.txt", true],
      [`public/${"long/".repeat(30)}end`, false],
      ["run.sh", true],
    ]);
    expect([plan.files, plan.bytes]).toEqual([6, 24]);
    expect(
      plan.entries
        .filter((entry) => entry.kind === "folder")
        .map((entry) => entry.path)
        .slice(0, 3),
    ).toEqual([".home", ".home/.cache", "public"]);
    const staged = plan.entries.flatMap((entry) => (entry.kind === "file" ? [[entry.path, readFileSync(join(staging, String(entry.staged)), "utf8")]] : []));
    expect(Object.fromEntries(staged)).toMatchObject({ "run.sh": "exec node", copy: "exec node", "public/größe.txt": "hello" });
    const modes = readdirSync(staging).map((name) => statSync(join(staging, name)).mode & 0o7777);
    expect(modes.toSorted()).toEqual([0o644, 0o755, 0o755, 0o755]);
  });

  it("may tell names apart by upper and lower case, as Linux does", async () => {
    expect((await unpack(await tar([[{ name: "Readme" }], [{ name: "readme" }]]))).files).toBe(2);
  });
});

describe("hostile archives", () => {
  const hostile: Record<string, readonly Item[]> = {
    "a path that climbs": [[{ name: "../evil" }]],
    "a path that climbs inside": [[{ name: "public/../../evil" }]],
    "an absolute path": [[{ name: "/etc/passwd" }]],
    "a backslash": [[{ name: "a\\b" }]],
    "a control character": [[{ name: "a\nb" }]],
    "a 300-character name": [[{ name: "x".repeat(300) }]],
    "a folder too deep": [[{ name: `${"d/".repeat(70)}f` }]],
    "a reserved name": [[{ name: "public/.backlot-tmp-1" }]],
    "a pipe": [[{ name: "pipe", type: "fifo" }]],
    "a character device": [[{ name: "null", type: "character-device", devmajor: 1, devminor: 3 }]],
    "a block device": [[{ name: "sda", type: "block-device", devmajor: 8, devminor: 0 }]],
    "a link that climbs out": [[{ name: "public/out", type: "symlink", linkname: "../../etc" }]],
    "a link that climbs out in the middle": [[{ name: "out", type: "symlink", linkname: "a/../../etc" }]],
    "an absolute link": [[{ name: "out", type: "symlink", linkname: "/etc/passwd" }]],
    "an absolute link that climbs": [[{ name: "out", type: "symlink", linkname: "/site/../etc" }]],
    "a hard link outside": [[{ name: "out", type: "link", linkname: "/etc/passwd" }]],
    "a hard link to what is not there": [[{ name: "out", type: "link", linkname: "later" }], [{ name: "later" }, "x"]],
    "a file through a link": [[{ name: "a", type: "symlink", linkname: "public" }], [{ name: "a/b" }, "x"]],
    "a file through a file": [
      [{ name: "a" }, "x"],
      [{ name: "a/b" }, "x"],
    ],
    "a folder where a link was": [[{ name: "a", type: "symlink", linkname: "public" }], [{ name: "a", type: "directory" }]],
    "a link where a folder was": [[{ name: "a/b" }, "x"], [{ name: "a", type: "symlink", linkname: "public" }]],
    "the same file twice": [
      [{ name: "a" }, "x"],
      [{ name: "./a" }, "y"],
    ],
    "two names that look alike": [
      [{ name: "caf\u00e9" }, "x"],
      [{ name: "cafe\u0301" }, "y"],
    ],
  };
  for (const [what, items] of Object.entries(hostile)) {
    it(`with ${what} are refused`, async () => expect(await refusal(items)).toBe("archive_unsafe"));
  }

  it("with too many entries, too large files or too much of everything are refused before it is written", async () => {
    const many: Item[] = Array.from({ length: 1001 }, (_, n) => [{ name: `d${n}`, type: "directory" as const }]);
    expect(await refusal(many)).toBe("archive_too_large");
    expect(await refusal([[{ name: "a" }, randomBytes(1_000_001)]])).toBe("archive_too_large");
    const six: Item[] = Array.from({ length: 6 }, (_, n) => [{ name: `f${n}` }, randomBytes(900_000)]);
    expect(await refusal(six)).toBe("archive_too_large");
    expect(readdirSync(staging)).toHaveLength(5);
    const copies: Item[] = [
      [{ name: "a" }, randomBytes(900_000)],
      ...Array.from({ length: 6 }, (_, n): Item => [{ name: `c${n}`, type: "link", linkname: "a" }]),
    ];
    expect(await refusal(copies)).toBe("archive_too_large");
  });

  it("that bring more folders than they name, or names that fill the memory, are refused while they are read", async () => {
    const deep: Item[] = Array.from({ length: 50 }, (_, n) => [{ name: `${n}/${"d/".repeat(59)}f` }]);
    expect(await refusal(deep, { entries: 100 })).toBe("archive_too_large");
    expect(await refusal(deep, { entries: 50 * 61 })).toBe("accepted");
    const plan = new ArchivePlan({ ...limits, entries: 100_000 });
    const addFolders = (from: number, to: number): void => {
      for (let n = from; n < to; n += 1) plan.add({ kind: "folder", path: `${n}${`/${"n".repeat(250)}`.repeat(15)}` });
    };
    addFolders(0, 2000);
    expect(() => addFolders(2000, 3000)).toThrow("its names have more than");
    expect(plan.finish().entries.length).toBeLessThan(40_000);
  });

  it("that unfold to a multiple of their size are refused while they unfold", async () => {
    const zeros: Item[] = [[{ name: "zeros" }, Buffer.alloc(60_000_000)]];
    const before = openDescriptors();
    expect(await refusal(zeros, { fileBytes: 1e9, totalBytes: 1e9 })).toBe("archive_too_large");
    expect(statSync(join(staging, "0")).size).toBeLessThan(30_000_000);
    expect(openDescriptors()).toBe(before);
  });

  it("that are cut off, no gzip, no tar or empty are refused", async () => {
    const whole = await tar([
      [{ name: "a" }, randomBytes(300_000)],
      [{ name: "b" }, randomBytes(300_000)],
    ]);
    const before = openDescriptors();
    expect(await refusal(whole.subarray(0, 400_000))).toBe("archive_invalid");
    expect(await refusal(gzipSync(randomBytes(5000)))).toBe("archive_invalid");
    expect(await refusal(gzipSync((await buffer(tarOf())).subarray(0, 700)))).toBe("archive_invalid");
    expect(await refusal(randomBytes(5000))).toBe("archive_invalid");
    expect(await refusal(Buffer.alloc(0))).toBe("archive_invalid");
    expect(await refusal(await tar([]))).toBe("archive_invalid");
    expect(openDescriptors()).toBe(before);
  });
});

function tarOf(): ReturnType<typeof pack> {
  const out = pack();
  out.entry({ name: "a" }, "x".repeat(500));
  out.finalize();
  return out;
}
