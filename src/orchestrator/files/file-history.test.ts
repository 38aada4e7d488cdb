import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Client, createClient } from "#contract/client.ts";
import { Failure } from "#contract/failure.ts";
import type { GrantClaims } from "#contract/grant.ts";
import { makeLink, patchFile, resizeFile } from "#contract/internal/door-files.ts";
import * as endpoints from "#contract/internal/files.ts";
import { defaultSiteLimits } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import { steadyClock, systemClock } from "#kit/clock.ts";
import { createServer } from "#kit/http/server.ts";
import { silentLog } from "#kit/log.ts";
import { openPast, type Past, pastLimits } from "../../../test/support/file-past.ts";
import { Histories } from "../history/histories.ts";
import { mountFiles } from "./mount-files.ts";
import { QuotaBook } from "./quota-book.ts";

const ann = { name: "ann", door: "web", address: "192.0.2.1" };
const bob = { name: "bob", door: "sftp", address: "192.0.2.2" };
const spec: SiteSpec = {
  siteId: 7,
  name: "seven",
  kind: "static",
  availability: "enabled",
  limits: { ...defaultSiteLimits, fileBytes: 1_000_000, diskBytes: 2_000_000, files: 200 },
  environment: {},
  timeZone: "UTC",
  canRunTwice: true,
  egress: "none",
  database: null,
  isTrusted: false,
  revision: 1,
};
const sites = { folderOf: () => folder, specOf: (id: number) => (id === 7 ? spec : undefined), ownerOf: () => null };
const params = { siteId: 7 };

let folder: string;
let app: FastifyInstance;
let client: Client;
let past: Past;
let by: GrantClaims["by"];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "backlot-history-"));
  by = ann;
  past = await openPast(sites);
  app = createServer({ log: silentLog() });
  const quota = new QuotaBook({ sites, clock: steadyClock, reservedBytes: 0, freeBytes: async () => 1e12 });
  const claims = { aud: "orchestrator", sub: "manager", site: 7, verbs: ["site.files.write"], user: 3, iat: 0, exp: 0 } as const;
  mountFiles(app, async () => ({ ...claims, verbs: [...claims.verbs], by }), { sites, quota, ...past });
  client = createClient({ baseUrl: await app.listen({ port: 0, host: "127.0.0.1" }) });
});
afterEach(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
  await past[Symbol.asyncDispose]();
});

const inside = (path: string): string => join(folder, path);
const put = (path: string, body: string, query: object = {}) => client.call(endpoints.writeSiteFile, { params, query: { path, ...query }, body });
const remove = (path: string, recursive = false) => client.call(endpoints.deleteSitePath, { params, query: { path, recursive } });
const move = (from: string, to: string, replace = false) => client.call(endpoints.moveSitePath, { params, body: { from, to, replace } });
const listed = (path: string, deleted = false) => client.call(endpoints.listVersions, { params, query: { path, deleted } });
const restore = (version: string, path: string, guard: object = {}) => client.call(endpoints.restoreVersion, { params, body: { version, path, ...guard } });
const textOf = async (version: string): Promise<string> => (await client.fetch(endpoints.readVersion, { params: { ...params, version } })).text();
async function pastOf(path: string): Promise<string[]> {
  const { versions } = await listed(path);
  return Promise.all(versions.map(({ id }) => textOf(id)));
}
async function deletedOnes(path = ""): Promise<string[]> {
  return (await listed(path, true)).versions.map((version) => version.path);
}
async function codeOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return "done";
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
}
const deeds = async () =>
  (await past.deeds.collect(0, Date.now() + 3_600_000)).deeds.map(({ action, userName, door, address, count, paths }) => ({
    action,
    userName,
    door,
    address,
    count,
    paths,
  }));
const contents = (): string[] => readdirSync(join(past.folder, "history/7/contents"));

describe("the history of a file", () => {
  it("keeps what each save replaced, with who had saved it and who replaced it", async () => {
    const one = await put("a.txt", "one");
    by = bob;
    await put("a.txt", "two");
    by = ann;
    await put("a.txt", "three");
    const { versions } = await listed("a.txt");
    expect(versions.map(({ id: _, modifiedAt: _m, endedAt: _e, ...rest }) => rest)).toEqual([
      expect.objectContaining({ size: 3, savedBy: { username: "bob", door: "sftp" }, endedBy: { username: "ann", door: "web" }, ended: "overwrite" }),
      {
        path: "a.txt",
        sha256: one.sha256,
        size: 3,
        executable: false,
        savedBy: { username: "ann", door: "web" },
        endedBy: { username: "bob", door: "sftp" },
        ended: "overwrite",
      },
    ]);
    expect(await pastOf("a.txt")).toEqual(["two", "one"]);
  });

  it("stores the same content once, and a save without a change adds nothing", async () => {
    for (const text of ["one", "two", "one", "two", "two", "two"]) await put("a.txt", text);
    await put("b.txt", "one");
    await put("b.txt", "else");
    expect(await pastOf("a.txt")).toEqual(["two", "one", "two", "one"]);
    expect(contents()).toHaveLength(2);
  });

  it("does not know what a program wrote, but keeps it when a person replaces it", async () => {
    await put("a.txt", "one");
    writeFileSync(inside("a.txt"), "by the program");
    await put("a.txt", "three");
    const [version] = (await listed("a.txt")).versions;
    expect([version?.savedBy, await textOf(version?.id ?? "")]).toEqual([null, "by the program"]);
  });

  it("gives a deleted file back, executable as it was, and lists it until it is there again", async () => {
    await put("dir/run.sh", "#!/bin/sh");
    await client.call(endpoints.setExecutable, { params, body: { path: "dir/run.sh", executable: true } });
    await remove("dir/run.sh");
    await remove("dir");
    expect(await deletedOnes()).toEqual(["dir/run.sh"]);
    expect(await deletedOnes("other")).toEqual([]);
    const [version] = (await listed("dir/run.sh")).versions;
    expect(version).toMatchObject({ ended: "delete", executable: true });
    expect(await restore(version?.id ?? "", "dir/run.sh", { absent: true })).toMatchObject({ created: true, size: 9 });
    expect([readFileSync(inside("dir/run.sh"), "utf8"), statSync(inside("dir/run.sh")).mode & 0o100, await deletedOnes()]).toEqual(["#!/bin/sh", 0o100, []]);
  });

  it("gives back every file of a folder that was deleted whole, but what can be fetched again", async () => {
    for (const path of ["d/a.txt", "d/e/b.txt", "d/node_modules/x/c.js", "d/.git/config"]) await put(path, path);
    await remove("d", true);
    expect((await deletedOnes("d")).toSorted()).toEqual(["d/a.txt", "d/e/b.txt"]);
  });

  it("knows the folders in which nothing was kept until they are there again", async () => {
    await put("d/a.txt", "a");
    for (const path of ["d/empty", "d/deep/er", "d/e", "d/node_modules/x"]) mkdirSync(inside(path), { recursive: true });
    await put("d/e/b.txt", "b");
    await remove("d", true);
    const folders = async () => ((await listed("d", true)).folders ?? []).map(({ path }) => path).toSorted();
    expect(await folders()).toEqual(["d/deep/er", "d/empty"]);
    mkdirSync(inside("d/empty"), { recursive: true });
    expect(await folders()).toEqual(["d/deep/er"]);
    mkdirSync(inside("f/g"), { recursive: true });
    await remove("f", true);
    expect((await listed("f", true)).folders).toMatchObject([{ path: "f/g" }]);
  });

  it("restoring is a write like any other: guarded, and what was there becomes a version", async () => {
    await put("a.txt", "one");
    const two = await put("a.txt", "two");
    const [one] = (await listed("a.txt")).versions;
    expect(await codeOf(() => restore(one?.id ?? "", "a.txt", { expect: "0".repeat(64) }))).toBe("file_changed");
    expect(await codeOf(() => restore(one?.id ?? "", "a.txt", { absent: true }))).toBe("file_changed");
    expect(await codeOf(() => restore("00000000-0000", "a.txt"))).toBe("version_not_found");
    expect(readFileSync(inside("a.txt"), "utf8")).toBe("two");
    await restore(one?.id ?? "", "a.txt", { expect: two.sha256 });
    expect(readFileSync(inside("a.txt"), "utf8")).toBe("one");
    expect(await pastOf("a.txt")).toEqual(["two", "one"]);
    expect((await listed("a.txt")).versions[0]?.ended).toBe("restore");
  });

  it("goes along when a file or its folder is renamed, and keeps what is moved over", async () => {
    await put("d/a.txt", "one");
    await put("d/a.txt", "two");
    await move("d", "e");
    await move("e/a.txt", "e/b.txt");
    expect([await pastOf("d/a.txt"), await pastOf("e/b.txt")]).toEqual([[], ["one"]]);
    await put("e/c.txt", "gave way");
    await move("e/b.txt", "e/c.txt", true);
    expect((await pastOf("e/c.txt")).toSorted()).toEqual(["gave way", "one"]);
  });

  it("is one whichever link people come by", async () => {
    await put("real/a.txt", "one");
    symlinkSync("real", inside("link"));
    await put("link/a.txt", "two");
    expect([await pastOf("real/a.txt"), await pastOf("link/a.txt")]).toEqual([["one"], ["one"]]);
    await remove("link/a.txt");
    expect(await pastOf("link/a.txt")).toEqual(["two", "one"]);
  });

  it("keeps what was there before a file is written in place, once for a series of pieces", async () => {
    await put("a.txt", "as it was");
    await client.call(resizeFile, { params, body: { path: "a.txt", size: 0 } });
    for (const offset of [0, 3, 6]) await client.call(patchFile, { params, query: { path: "a.txt", offset }, body: "abc" });
    await client.call(patchFile, { params, query: { path: "new.txt", absent: true }, body: "abc" });
    await client.call(patchFile, { params, query: { path: "new.txt" }, body: "def" });
    expect([readFileSync(inside("a.txt"), "utf8"), await pastOf("a.txt"), await pastOf("new.txt")]).toEqual(["abcabcabc", ["as it was"], []]);
    expect((await deeds()).map(({ action, paths }) => [action, paths])).toEqual([["files.overwrite", ["a.txt"]]]);
  });

  it("keeps nothing of large files, and never more than its bytes", async () => {
    await put("large.bin", "x".repeat(pastLimits.fileBytes + 1));
    await put("large.bin", "small");
    expect(await pastOf("large.bin")).toEqual([]);
    for (let number = 0; number < 15; number += 1) await put("a.txt", String(number).padEnd(90_000, "."));
    const taken = Number(execFileSync("du", ["-sb", join(past.folder, "history/7/contents")], { encoding: "utf8" }).split("\t")[0]);
    expect(taken).toBeLessThan(pastLimits.bytes + 10_000);
    expect((await pastOf("a.txt")).length).toBe(11);
  });

  it("survives the end of the process, half a line, lost and forgotten contents", async () => {
    for (const text of ["one", "two", "three", "four"]) await put("a.txt", text);
    const place = join(past.folder, "history/7");
    const { versions } = await listed("a.txt");
    appendFileSync(join(place, "lines.ndjson"), '{"kind":"version","id":"half');
    writeFileSync(join(place, "contents", "f".repeat(64)), "nobody speaks of it");
    writeFileSync(join(place, "draft-left"), "cut off");
    rmSync(join(place, "contents", versions[1]?.sha256 ?? ""));
    const again = new Histories({
      folder: join(past.folder, "history"),
      limits: pastLimits,
      clock: systemClock,
      log: silentLog(),
      reservedBytes: 0,
      isHeld: () => true,
    });
    const texts = await Promise.all((await again.list(7, "a.txt")).versions.map(async ({ id }) => Buffer.from((await again.read(7, id)).bytes).toString()));
    expect([texts, contents().length, existsSync(join(place, "draft-left"))]).toEqual([["three", "one"], 2, false]);
    await again.moved(7, ["a.txt"], ["b.txt"]);
    const third = new Histories({
      folder: join(past.folder, "history"),
      limits: pastLimits,
      clock: systemClock,
      log: silentLog(),
      reservedBytes: 0,
      isHeld: () => true,
    });
    expect((await third.list(7, "b.txt")).versions).toHaveLength(2);
  });

  it("goes with its site, also when the site went while nobody looked", async () => {
    await put("a.txt", "one");
    await put("a.txt", "two");
    mkdirSync(join(past.folder, "history/8/contents"), { recursive: true });
    await past.history.sweep();
    expect(readdirSync(join(past.folder, "history"))).toEqual(["7"]);
    await past.history.forget(7);
    expect([readdirSync(join(past.folder, "history")), await pastOf("a.txt")]).toEqual([[], []]);
  });

  it("never keeps a save from taking place", async () => {
    writeFileSync(join(past.folder, "history"), "in the way");
    await put("a.txt", "one");
    await put("a.txt", "two");
    await remove("a.txt");
    expect(existsSync(inside("a.txt"))).toBe(false);
  });
});

describe("what was done to files", () => {
  it("is noted with person, door and address, whichever call it was", async () => {
    await put("a.txt", "one");
    await put("b.txt", "one");
    await put("a.txt", "two");
    const [version] = (await listed("a.txt")).versions;
    await restore(version?.id ?? "", "a.txt");
    by = bob;
    await move("a.txt", "b.txt", true);
    await client.call(makeLink, { params, body: { path: "link", target: "b.txt" } });
    await put("d/a.txt", "x");
    await remove("d", true);
    by = undefined;
    await remove("link");
    const [a, b] = [
      { userName: "ann", door: "web", address: "192.0.2.1", count: 1 },
      { userName: "bob", door: "sftp", address: "192.0.2.2", count: 1 },
    ];
    expect(await deeds()).toEqual([
      { ...a, action: "files.overwrite", paths: ["a.txt"] },
      { ...a, action: "files.restore", paths: ["a.txt"] },
      { ...b, action: "files.overwrite", paths: ["b.txt"] },
      { ...b, action: "files.move", paths: ["a.txt → b.txt"] },
      { ...b, action: "files.delete", paths: ["d"] },
      { userName: null, door: "manager", address: null, action: "files.delete", count: 1, paths: ["link"] },
    ]);
  });

  it("is not noted when it was refused", async () => {
    await put("a.txt", "one");
    await codeOf(() => put("a.txt", "two", { absent: true }));
    await codeOf(() => remove("missing"));
    await codeOf(() => move("a.txt", "missing/b.txt"));
    expect(await deeds()).toEqual([]);
  });
});
