import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { childEnvironment } from "../../../test/support/child-environment.ts";
import { titled, whyNotRoot } from "../../../test/support/needs.ts";
import { makeFolder, movePath } from "./change-path.ts";
import { sweepLeftOvers } from "./remove-tree.ts";
import { draftOf, writeWhole } from "./write-file.ts";

const fixture = fileURLToPath(new URL("../../../test/support/write-and-die.ts", import.meta.url));
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "backlot-crash-"));
});
afterEach(() => rmSync(root, { recursive: true }));

describe("kill -9 in the middle of writes", () => {
  it("loses nothing that was acknowledged and leaves no file half written", { timeout: 120_000 }, async () => {
    const acknowledged = new Map<string, number>();
    for (let round = 0; round < 12; round += 1) {
      acknowledged.clear();
      const child = spawn(process.execPath, [fixture, root], { env: childEnvironment, stdio: ["ignore", "pipe", "inherit"] });
      const lines = createInterface({ input: child.stdout });
      let left = 20 + round * 7;
      lines.on("line", (line) => {
        const [n = "", version] = line.split(" ");
        if (version !== undefined) acknowledged.set(n, Number(version));
        left -= 1;
        if (left === 0) child.kill("SIGKILL");
      });
      await once(lines, "close");
      expect(acknowledged.size).toBeGreaterThan(0);
      for (const [n, version] of acknowledged) {
        const [first = "", ...rest] = new Set(
          readFileSync(join(root, `dir${Number(n) % 3}/file${n}`), "utf8")
            .split("\n")
            .slice(0, -1),
        );
        expect(rest).toEqual([]);
        expect(Number(first)).toBeGreaterThanOrEqual(version);
      }
    }
    await sweepLeftOvers({ root, owner: null });
    expect(execFileSync("find", [root, "-name", ".backlot-tmp-*"], { encoding: "utf8" })).toBe("");
  });
});

describe.skipIf(whyNotRoot() !== null)(titled("as root", whyNotRoot()), () => {
  it("everything that is made belongs to the owner, whatever the umask", async () => {
    const owner = { uid: 61_234, gid: 61_235 };
    const before = process.umask(0o077);
    try {
      await writeWhole({ root, owner }, "a/b/file", { source: [Buffer.from("x")] });
      await makeFolder({ root, owner }, "c/d");
    } finally {
      process.umask(before);
    }
    const facts = ["a", "a/b", "a/b/file", "c", "c/d"].map((path) => {
      const { uid, gid, mode } = lstatSync(join(root, path));
      return [path, uid, gid, mode & 0o7777];
    });
    expect(facts).toEqual([
      ["a", 61_234, 61_235, 0o755],
      ["a/b", 61_234, 61_235, 0o755],
      ["a/b/file", 61_234, 61_235, 0o644],
      ["c", 61_234, 61_235, 0o755],
      ["c/d", 61_234, 61_235, 0o755],
    ]);
  });

  it("a full disk refuses the write and keeps what was there", async (context) => {
    const disk = join(root, "disk");
    mkdirSync(disk);
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k,nr_inodes=12", "tmpfs", disk], { encoding: "utf8" });
    if (mounted.status !== 0) return context.skip(`no tmpfs can be mounted here: ${mounted.stderr}`);
    try {
      const jail = { root: disk, owner: null };
      await writeWhole(jail, "a", { source: [Buffer.from("first")] });
      expect(await codeOf(writeWhole(jail, "new/a", { source: [Buffer.alloc(1_000_000)] }))).toBe("disk_full");
      expect(await codeOf(writeWhole(jail, "a", { source: [Buffer.alloc(200_000), Buffer.alloc(200_000)] }))).toBe("disk_full");
      await using draft = await draftOf(jail, "a");
      expect(await codeOf(draft.write(Buffer.alloc(400_000), 0))).toBe("disk_full");
      await draft[Symbol.asyncDispose]();
      expect(readdirSync(disk)).toEqual(["a"]);
      expect(readFileSync(join(disk, "a"), "utf8")).toBe("first");
      let made = 0;
      while ((await codeOf(makeFolder(jail, `d${made}`))) === "done" && made < 50) made += 1;
      expect(made).toBeLessThan(50);
      expect(await codeOf(writeWhole(jail, "none/x", { source: [] }))).toBe("disk_full");
      expect(existsSync(join(disk, "none"))).toBe(false);
      expect(await codeOf(movePath(jail, "a", "b"))).toBe("done");
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  it("another disk mounted inside is not written across: a failure, and nothing half done", async (context) => {
    const disk = join(root, "disk");
    mkdirSync(disk);
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]).status !== 0) return context.skip("no tmpfs can be mounted here");
    try {
      writeFileSync(join(root, "a"), "x");
      await expect(writeWhole({ root, owner: null }, "disk/a", { source: [Buffer.from("x")] })).rejects.toThrow();
      await expect(movePath({ root, owner: null }, "a", "disk/a")).rejects.toThrow();
      expect([readdirSync(root).toSorted(), readdirSync(disk)]).toEqual([["a", "disk"], []]);
    } finally {
      execFileSync("umount", [disk]);
    }
  });
});

async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
    return "done";
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
}
