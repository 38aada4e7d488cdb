import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openPublicFile, type PublicLookup } from "./public-file.ts";

let outer: string;
let root: string;
const openDescriptors = (): number => readdirSync("/proc/self/fd").length;
const look = (path: string): PublicLookup => openPublicFile({ root, path: path === "" ? [] : path.split("/") });
async function bytes(path: string): Promise<string> {
  const found = look(path);
  if (found.kind !== "file") return found.kind;
  using file = found.file;
  return await text(file.stream(0, file.size));
}

beforeEach(() => {
  outer = mkdtempSync(join(tmpdir(), "backlot-public-"));
  root = join(outer, "site");
  mkdirSync(join(root, "public/docs"), { recursive: true });
  mkdirSync(join(root, "private"));
  writeFileSync(join(outer, "canary"), "canary");
  writeFileSync(join(root, "private/secret"), "secret");
  writeFileSync(join(root, "public/index.html"), "<h1>hello</h1>");
  writeFileSync(join(root, "public/docs/a.txt"), "0123456789");
});
afterEach(() => rmSync(outer, { recursive: true }));

describe("openPublicFile", () => {
  it("opens files below public, and tells folders from what is absent", async () => {
    expect(await bytes("index.html")).toBe("<h1>hello</h1>");
    expect(await bytes("docs/a.txt")).toBe("0123456789");
    expect([look("").kind, look("docs").kind, look("nothing").kind, look("docs/a.txt/b").kind]).toEqual(["folder", "folder", "absent", "absent"]);
  });

  it("streams a range and closes the file", async () => {
    const before = openDescriptors();
    const found = look("docs/a.txt");
    if (found.kind !== "file") throw new Error("not found");
    expect(await text(found.file.stream(2, 5))).toBe("234");
    expect(openDescriptors()).toBe(before);
  });

  it("follows links that stay inside public, also absolute ones and chains", async () => {
    symlinkSync("docs/a.txt", join(root, "public/one"));
    symlinkSync("../one", join(root, "public/docs/two"));
    symlinkSync("/site/public/docs", join(root, "public/three"));
    expect(await Promise.all(["one", "docs/two", "three/a.txt", "three/two"].map(bytes))).toEqual(Array(4).fill("0123456789"));
  });

  it("does not follow links out of public, not even into the site itself", () => {
    const targets = ["../private/secret", "/site/private/secret", "../../canary", join(outer, "canary"), "/etc/passwd", "loop", ".."];
    for (const target of targets) {
      rmSync(join(root, "public/loop"), { force: true });
      symlinkSync(target, join(root, "public/loop"));
      expect([target, look("loop").kind]).toEqual([target, "absent"]);
    }
    symlinkSync("..", join(root, "public/docs/up"));
    symlinkSync("../../private", join(root, "public/docs/private"));
    expect(look("docs/private/secret").kind).toBe("absent");
    expect(look("docs/up").kind).toBe("folder");
  });

  it("refuses a public folder that is itself a link", () => {
    rmSync(join(root, "public"), { recursive: true });
    symlinkSync("private", join(root, "public"));
    expect([look("secret").kind, look("").kind]).toEqual(["absent", "absent"]);
  });

  it("treats tricks in names, pipes and reserved names as absent, and leaks no descriptor", () => {
    execFileSync("mkfifo", [join(root, "public/pipe")]);
    writeFileSync(join(root, "public/.backlot-tmp-1"), "");
    const before = openDescriptors();
    for (const path of ["pipe", "..", "../private/secret", "docs/../index.html", "a\0b", "x".repeat(300), ".backlot-tmp-1"])
      expect([path, look(path).kind]).toEqual([path, "absent"]);
    expect(openPublicFile({ root, path: ["docs/../../canary"] }).kind).toBe("absent");
    expect(openPublicFile({ root: join(outer, "gone"), path: ["x"] }).kind).toBe("absent");
    expect(openDescriptors()).toBe(before);
  });
});
