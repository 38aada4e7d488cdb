import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { defaultSiteLimits } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import { steadyClock, systemClock } from "#kit/clock.ts";
import type { FileOwner } from "#kit/jail/jail.ts";
import type { OpenFile } from "#kit/jail/read-file.ts";
import { silentLog } from "#kit/log.ts";
import { childEnvironment } from "../../../test/support/child-environment.ts";
import { titled, whyNoMounts, whyNotRoot } from "../../../test/support/needs.ts";
import { QuotaBook } from "../files/quota-book.ts";
import { Deployments } from "./deployments.ts";

const fixture = fileURLToPath(new URL("../../../test/support/place-and-die.ts", import.meta.url));
let outer: string;
let site: string;
let state: string;
let owner: FileOwner | null;
let spec: SiteSpec;
let deployments: Deployments;

type Tree = Readonly<Record<string, string>>;
/** Files by path; a value that starts with `->` is a link, a path that ends with a slash a folder. */
async function archive(tree: Tree): Promise<Buffer> {
  const out = pack();
  for (const [name, content] of Object.entries(tree)) {
    if (name.endsWith("/")) out.entry({ name, type: "directory" });
    else if (content.startsWith("->")) out.entry({ name, type: "symlink", linkname: content.slice(2) });
    else out.entry({ name, mode: 0o644 }, content);
  }
  out.finalize();
  return gzipSync(await buffer(out));
}
function treeOf(folder: string, prefix = ""): Tree {
  const tree: Record<string, string> = {};
  for (const name of readdirSync(join(folder, prefix)).toSorted()) {
    const path = `${prefix}${name}`;
    const full = join(folder, path);
    const stat = lstatSync(full);
    if (stat.isSymbolicLink()) tree[path] = `->${readlinkSync(full)}`;
    else if (!stat.isDirectory()) tree[path] = readFileSync(full, "utf8");
    else if (readdirSync(full).length === 0) tree[`${path}/`] = "";
    else Object.assign(tree, treeOf(folder, `${path}/`));
  }
  return tree;
}
async function stage(uploadId: string, tree: Tree): Promise<void> {
  const bytes = await archive(tree);
  const body = {
    source: (async function* () {
      yield bytes;
    })(),
    expectedBytes: bytes.length,
  };
  await deployments.upload(1, uploadId, body);
  await deployments.unpack(1, uploadId);
}
async function deploy(uploadId: string, tree: Tree): Promise<{ readonly written: number; readonly removed: number }> {
  await stage(uploadId, tree);
  return deployments.place(1, uploadId);
}
async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
    return "done";
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
}
function freshDeployments(): Deployments {
  const sites = { folderOf: () => site, specOf: () => spec, ownerOf: () => owner };
  const quota = new QuotaBook({ sites, clock: steadyClock, reservedBytes: 0 });
  return new Deployments({ sites, quota, clock: systemClock, log: silentLog(), stateFolder: () => state });
}

beforeEach(() => {
  outer = mkdtempSync(join(tmpdir(), "backlot-deploy-"));
  site = join(outer, "site");
  state = join(outer, "state");
  owner = null;
  spec = {
    siteId: 1,
    name: "one",
    kind: "static",
    availability: "enabled",
    limits: defaultSiteLimits,
    environment: {},
    timeZone: "UTC",
    canRunTwice: true,
    egress: "none",
    database: null,
    isTrusted: false,
    revision: 1,
  };
  mkdirSync(site);
  deployments = freshDeployments();
});
afterEach(() => rmSync(outer, { recursive: true }));

describe("a deployment", () => {
  it("replaces what the one before placed and leaves everything else alone", async () => {
    expect(await deploy("upload-1", { "run.sh": "one", "public/a.html": "a1", "public/old/b.html": "b1", "public/link": "->a.html", "empty/": "" })).toEqual({
      written: 4,
      removed: 0,
    });
    writeFileSync(join(site, "public/upload.png"), "a visitor's");
    writeFileSync(join(site, "data.sqlite"), "rows");
    expect(await deploy("upload-2", { "./run.sh": "two", "./public/a.html": "a2", "./public/new/c.html": "c2" })).toEqual({ written: 3, removed: 2 });
    expect(treeOf(site)).toEqual({
      "run.sh": "two",
      "public/a.html": "a2",
      "public/new/c.html": "c2",
      "public/upload.png": "a visitor's",
      "data.sqlite": "rows",
    });
    expect(lstatSync(join(site, "run.sh")).mode & 0o7777).toBe(0o755);
    expect(readdirSync(state).toSorted()).toEqual(["manifest.json", "outcomes", "staging", "uploads"]);
    expect([readdirSync(join(state, "staging")), readdirSync(join(state, "uploads"))]).toEqual([[], []]);
  });

  it("keeps a file that it would remove when it was changed since it was placed", async () => {
    await deploy("upload-1", { "config.ini": "default", "notes.txt": "mine", link: "->notes.txt" });
    writeFileSync(join(site, "config.ini"), "changed by hand");
    rmSync(join(site, "link"));
    symlinkSync("config.ini", join(site, "link"));
    expect(await deploy("upload-2", { "public/index.html": "x" })).toEqual({ written: 1, removed: 1 });
    expect(treeOf(site)).toEqual({ "config.ini": "changed by hand", link: "->config.ini", "public/index.html": "x" });
  });

  it("overwrites a file of somebody's own at the same path, and a link there, but not what the link leads to", async () => {
    writeFileSync(join(site, "a.txt"), "own");
    writeFileSync(join(site, "kept.txt"), "kept");
    symlinkSync("kept.txt", join(site, "b.txt"));
    execFileSync("mkfifo", [join(site, "c.txt")]);
    await deploy("upload-1", { "a.txt": "deployed", "b.txt": "deployed", "c.txt": "deployed" });
    expect(treeOf(site)).toEqual({ "a.txt": "deployed", "b.txt": "deployed", "c.txt": "deployed", "kept.txt": "kept" });
  });

  it("changes kinds of what it placed itself, and refuses to sweep away what it did not", async () => {
    await deploy("upload-1", { a: "file", "b/c": "in folder", "b/d/e": "deep", l: "->a" });
    expect(await deploy("upload-2", { "a/x": "now a folder", b: "now a file", "l/y": "was a link" })).toEqual({ written: 3, removed: 0 });
    expect(treeOf(site)).toEqual({ "a/x": "now a folder", b: "now a file", "l/y": "was a link" });
    mkdirSync(join(site, "own"));
    writeFileSync(join(site, "own/file"), "mine");
    symlinkSync("own", join(site, "way"));
    const before = treeOf(site);
    expect(await codeOf(deploy("upload-3", { z: "first", own: "file where a folder of mine is" }))).toBe("not_a_file");
    expect(await codeOf(deploy("upload-4", { z: "first", "own/file/x": "folder where a file of mine is" }))).toBe("not_a_folder");
    expect(await codeOf(deploy("upload-5", { z: "first", "way/x": "through a link of mine" }))).toBe("archive_unsafe");
    expect(treeOf(site)).toEqual(before);
    expect(existsSync(join(state, "journal.json"))).toBe(false);
  });

  it("answers the same when it is asked again", async () => {
    const bytes = await archive({ "a.txt": "x" });
    const once = await deployments.upload(1, "upload-1", { source: [bytes] as unknown as AsyncIterable<Uint8Array>, expectedBytes: undefined });
    expect(await deployments.upload(1, "upload-1", { source: [bytes] as unknown as AsyncIterable<Uint8Array>, expectedBytes: bytes.length })).toEqual(once);
    const counts = { files: 1, bytes: 1 };
    expect([await deployments.unpack(1, "upload-1"), await deployments.unpack(1, "upload-1")]).toEqual([counts, counts]);
    const both = await Promise.all([deployments.place(1, "upload-1"), deployments.place(1, "upload-1")]);
    expect(both).toEqual(Array(2).fill({ written: 1, removed: 0 }));
    writeFileSync(join(site, "a.txt"), "changed since");
    expect(await freshDeployments().place(1, "upload-1")).toEqual({ written: 1, removed: 0 });
    expect(await freshDeployments().unpack(1, "upload-1")).toEqual(counts);
    expect(treeOf(site)).toEqual({ "a.txt": "changed since" });
  });

  it("shows the files that it changes or takes away, before it does, and not those that stay as they were", async () => {
    const shown: string[] = [];
    const sites = { folderOf: () => site, specOf: () => spec, ownerOf: () => owner };
    const quota = new QuotaBook({ sites, clock: steadyClock, reservedBytes: 0 });
    const keeper = () => async (path: readonly string[], file: OpenFile) =>
      void shown.push(`${path.join("/")}: ${Buffer.from(await file.read(0, 100)).toString()}`);
    deployments = new Deployments({ sites, quota, clock: systemClock, log: silentLog(), stateFolder: () => state, keeper });
    await deploy("upload-1", { "same.txt": "same", "changed.txt": "before", "gone.txt": "gone" });
    writeFileSync(join(site, "own.txt"), "by hand");
    await deploy("upload-2", { "same.txt": "same", "changed.txt": "after!", "own.txt": "placed" });
    expect(shown.toSorted()).toEqual(["changed.txt: before", "gone.txt: gone", "own.txt: by hand"]);
  });

  it("says what is missing, and leaves nothing of an upload that failed", async () => {
    expect(await codeOf(deployments.unpack(1, "nothing-1"))).toBe("file_not_found");
    expect(await codeOf(deployments.place(1, "nothing-1"))).toBe("file_not_found");
    const short = {
      source: (async function* () {
        yield Buffer.from("half");
      })(),
      expectedBytes: 100,
    };
    expect(await codeOf(deployments.upload(1, "upload-1", short))).toBe("upload_incomplete");
    expect(readdirSync(join(state, "uploads"))).toEqual([]);
    expect(await codeOf(deploy("upload-2", { "../x": "evil" }))).toBe("archive_unsafe");
    expect(readdirSync(join(state, "staging"))).toEqual([]);
  });

  it("sweeps uploads of yesterday and all but the newest few", async () => {
    for (let n = 1; n <= 6; n += 1) await stage(`upload-${n}`, { a: String(n) });
    expect(readdirSync(join(state, "uploads"))).toHaveLength(4);
    expect(readdirSync(join(state, "staging")).toSorted()).toEqual(["upload-3", "upload-4", "upload-5", "upload-6"]);
    const yesterday = Date.now() / 1000 - 25 * 3600;
    for (const name of readdirSync(join(state, "uploads"))) utimesSync(join(state, "uploads", name), yesterday, yesterday);
    await deployments.recover([1]);
    expect([readdirSync(join(state, "uploads")), readdirSync(join(state, "staging"))]).toEqual([[], []]);
  });

  it("four uploads come at the same time, the fifth is sent away, and as many are kept", async () => {
    for (let n = 1; n <= 4; n += 1) await stage(`upload-${n}`, { a: String(n) });
    const bytes = await archive({ a: "x" });
    const all = Promise.withResolvers<void>();
    const begun: string[] = [];
    const upload = (uploadId: string): Promise<string> => {
      const source = (async function* () {
        begun.push(uploadId);
        await all.promise;
        yield bytes;
      })();
      return codeOf(deployments.upload(1, uploadId, { source, expectedBytes: bytes.length }));
    };
    const coming = Array.from({ length: 4 }, (_, n) => upload(`coming-${n}`));
    expect(await Promise.all([upload("fifth-01"), upload("fifth-02")])).toEqual(["rate_limited", "rate_limited"]);
    await expect.poll(() => begun.length, { timeout: 20_000 }).toBe(4);
    all.resolve();
    expect(await Promise.all(coming)).toEqual(Array(4).fill("done"));
    expect(readdirSync(join(state, "uploads"))).toHaveLength(4);
    expect(await upload("fifth-03")).toBe("done");
  });

  it("is not kept from coming by another upload that ends in that moment", async () => {
    await stage("upload-1", { a: "x" });
    // What is listed and then not there any more: a link that leads nowhere is both for good.
    symlinkSync("nowhere", join(state, "uploads/upload-2.tar.gz.0123.part"));
    expect(await codeOf(deploy("upload-3", { a: "y" }))).toBe("done");
  });

  it.skipIf(whyNotRoot() !== null)(titled("gives everything that it makes to the site's owner", whyNotRoot()), async () => {
    owner = { uid: 61_234, gid: 61_235 };
    await deploy("upload-1", { "run.sh": "x", "public/deep/a": "y", "public/link": "->deep" });
    for (const path of ["run.sh", "public", "public/deep", "public/deep/a"]) {
      const { uid, gid } = lstatSync(join(site, path));
      expect([path, uid, gid]).toEqual([path, 61_234, 61_235]);
    }
  });
});

describe("kill -9 while a deployment is placed", () => {
  const first: Tree = { "run.sh": "v1", "public/a": "a1", "public/gone/b": "b1", kind: "file", l: "->run.sh" };
  const second: Tree = { "run.sh": "v2", "public/a": "a2", "public/new/c": "c2", "kind/x": "folder", l: "->public", "public/l2": "->a" };
  const own: Tree = { "public/upload.png": "visitor's", "data/db": "rows" };
  const dieAt = (step: number): { readonly signal: string | null; readonly out: string } => {
    const child = spawnSync(process.execPath, [fixture, site, state, "upload-2", String(step)], { encoding: "utf8", env: childEnvironment });
    if (child.signal === null && child.status !== 0) throw new Error(child.stderr);
    return { signal: child.signal, out: child.stdout };
  };

  it("at any step leaves the old site or, once started again, the new one, whole", { timeout: 300_000 }, async () => {
    let step = 0;
    for (; ; step += 1) {
      rmSync(site, { recursive: true, force: true });
      rmSync(state, { recursive: true, force: true });
      mkdirSync(join(site, "data"), { recursive: true });
      mkdirSync(join(site, "public"));
      for (const [path, content] of Object.entries(own)) writeFileSync(join(site, path), content);
      deployments = freshDeployments();
      await deploy("upload-1", first);
      await stage("upload-2", second);
      const { signal } = dieAt(step);
      // Every other time the next request comes first, and not the start.
      const next = freshDeployments();
      if (step % 2 === 0) await next.recover([1]);
      if (step === 0) expect(treeOf(site)).toEqual({ ...own, ...first });
      expect(await next.place(1, "upload-2")).toEqual({ written: 6, removed: 1 });
      expect([step, treeOf(site)]).toEqual([step, { ...own, ...second }]);
      expect(lstatSync(join(site, "run.sh")).mode & 0o777).toBe(0o755);
      await next.recover([1]);
      expect(readdirSync(state).toSorted()).toEqual(["manifest.json", "outcomes", "staging", "uploads"]);
      expect(await deploy(`upload-3`, first)).toEqual({ written: 5, removed: 2 });
      expect(treeOf(site)).toEqual({ ...own, ...first });
      if (signal === null) break;
    }
    // The journal, one clear, every entry, the sync, the removals and the four steps of the end were each interrupted once.
    expect(step).toBeGreaterThan(15);
  });

  it("is finished even when a program has put other things in the way since, and those are kept beside", async () => {
    await deploy("upload-1", first);
    await stage("upload-2", second);
    expect(dieAt(2).signal).toBe("SIGKILL");
    mkdirSync(join(site, "public/new"), { recursive: true });
    rmSync(join(site, "public/new"), { recursive: true });
    writeFileSync(join(site, "public/new"), "a file where a folder has to go");
    rmSync(join(site, "run.sh"));
    mkdirSync(join(site, "run.sh"));
    writeFileSync(join(site, "run.sh/precious"), "kept");
    await freshDeployments().recover([1]);
    const tree = treeOf(site);
    expect(tree).toMatchObject(second);
    expect(Object.values(tree).toSorted()).toEqual([...Object.values(second), "a file where a folder has to go", "kept"].toSorted());
  });
});

describe.skipIf(whyNoMounts() !== null)(titled("on a full disk", whyNoMounts()), () => {
  it("a deployment changes nothing", async () => {
    const disk = join(outer, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]);
    try {
      [site, state] = [join(disk, "site"), join(disk, "state")];
      mkdirSync(site);
      deployments = freshDeployments();
      await deploy("upload-1", { "public/a": "small" });
      expect(await codeOf(deploy("upload-2", { "public/a": "x".repeat(3_000_000) }))).toBe("disk_full");
      expect(treeOf(site)).toEqual({ "public/a": "small" });
      expect(readdirSync(join(state, "staging"))).toEqual([]);
      // The free space that it knows is up to a second old.
      await expect.poll(() => codeOf(deploy("upload-3", { "public/a": "fits" })), { timeout: 20_000 }).toBe("done");
      await stage("upload-4", { "public/a": "staged" });
      expect(() => writeFileSync(join(disk, "full"), Buffer.alloc(2_000_000))).toThrow("ENOSPC");
      expect(await codeOf(deployments.place(1, "upload-4"))).toBe("disk_full");
      rmSync(join(disk, "full"));
      expect(await codeOf(deployments.place(1, "upload-4"))).toBe("done");
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  it("is another one than the site's: files still arrive whole", async () => {
    const disk = join(outer, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]);
    try {
      state = join(disk, "state");
      deployments = freshDeployments();
      await deploy("upload-1", { "run.sh": "one", "public/a": "a" });
      expect(treeOf(site)).toEqual({ "run.sh": "one", "public/a": "a" });
      expect(lstatSync(join(site, "run.sh")).mode & 0o777).toBe(0o755);
    } finally {
      execFileSync("umount", [disk]);
    }
  });
});
