import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { defaultSiteLimits } from "#contract/site.ts";
import { steadyClock, systemClock } from "#kit/clock.ts";
import { silentLog } from "#kit/log.ts";
import { packed, packedEntries } from "../../../test/support/backlot-archive.ts";
import { siteSpecOf } from "../../../test/support/site-runner-stage.ts";
import { QuotaBook } from "../files/quota-book.ts";
import { Deployments } from "./deployments.ts";

let outer: string;
let site: string;
let deployments: Deployments;

/** Knows nothing of what there is, so that it counts anew. */
function freshDeployments(): Deployments {
  const spec = siteSpecOf({ limits: { ...defaultSiteLimits, diskBytes: 1_000_000, files: 100 } });
  const sites = { folderOf: () => site, specOf: () => spec, ownerOf: () => null };
  const quota = new QuotaBook({ sites, clock: steadyClock, reservedBytes: 0 });
  return new Deployments({ sites, quota, clock: systemClock, log: silentLog(), stateFolder: () => join(outer, "state") });
}

beforeEach(() => {
  outer = mkdtempSync(join(tmpdir(), "backlot-deploy-quota-"));
  site = join(outer, "site");
  mkdirSync(site);
  deployments = freshDeployments();
});
afterEach(() => rmSync(outer, { recursive: true }));

type Files = Readonly<Record<string, string>>;
async function stageArchive(uploadId: string, bytes: Buffer): Promise<void> {
  const source = (async function* () {
    yield bytes;
  })();
  await deployments.upload(7, uploadId, { source, expectedBytes: bytes.length });
  await deployments.unpack(7, uploadId);
}
const stage = async (uploadId: string, files: Files): Promise<void> => stageArchive(uploadId, await packed(files));
async function deploy(uploadId: string, files: Files): Promise<void> {
  await stage(uploadId, files);
  await deployments.place(7, uploadId);
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

it("a deployment holds the site's quota, and counts what it replaces", async () => {
  await deploy("upload-1", { a: "a".repeat(700_000) });
  deployments = freshDeployments();
  expect(await codeOf(deploy("upload-2", { a: "b".repeat(700_000) }))).toBe("done");
  writeFileSync(join(site, "own"), "o".repeat(500_000));
  deployments = freshDeployments();
  expect(await codeOf(deploy("upload-3", { a: "c".repeat(700_001) }))).toBe("quota_exceeded");
  // Who is over already may still make things smaller.
  expect(await codeOf(deploy("upload-7", { a: "c".repeat(699_999) }))).toBe("done");
  const many = Object.fromEntries(Array.from({ length: 99 }, (_, n) => [`f${n}`, ""]));
  expect(await codeOf(deploy("upload-4", { ...many, f99: "", f100: "" }))).toBe("archive_too_large");
  expect(await codeOf(deploy("upload-5", { ...many, f99: "" }))).toBe("quota_exceeded");
  expect(await codeOf(deploy("upload-6", many))).toBe("done");
});

it("whatever was moved away or changed since counts beside what is placed, also between the two steps of a deployment", async () => {
  const app = { "public/app": "a".repeat(700_000) };
  await deploy("upload-1", app);
  renameSync(join(site, "public/app"), join(site, "moved"));
  expect(await codeOf(stage("upload-2", app))).toBe("quota_exceeded");
  renameSync(join(site, "moved"), join(site, "public/app"));
  await stage("upload-3", app);
  renameSync(join(site, "public/app"), join(site, "moved"));
  expect(await codeOf(deployments.place(7, "upload-3"))).toBe("quota_exceeded");
  expect([readdirSync(join(site, "public")), existsSync(join(outer, "state/journal.json"))]).toEqual([[], false]);
  rmSync(join(site, "moved"));
  deployments = freshDeployments();
  expect(await codeOf(deploy("upload-3", app))).toBe("done");
  // It stays, since it is not what was placed any more.
  writeFileSync(join(site, "public/app"), "b".repeat(700_000));
  expect(await codeOf(deploy("upload-4", { "public/other": "c".repeat(700_000) }))).toBe("quota_exceeded");
  expect(await codeOf(deploy("upload-5", { "public/app": "c".repeat(700_000) }))).toBe("done");
});

it("folders and files of somebody's own at deployed paths are no new ones", async () => {
  mkdirSync(join(site, "public/css"), { recursive: true });
  for (let n = 0; n < 96; n += 1) writeFileSync(join(site, `own-${n}`), "");
  await deploy("upload-1", { "public/css/a": "" });
  const app = { "public/css/a": "", "public/css/b": "", "own-0": "" };
  expect(await codeOf(deploy("upload-2", app))).toBe("done");
  expect(await codeOf(stage("upload-3", { ...app, "public/c": "" }))).toBe("quota_exceeded");
});

it("nothing of a deployment that is refused when it is placed waits on the disk, and its answer says to send it again", async () => {
  const left = (): unknown =>
    ["staging", "uploads", "outcomes"].map((name) => (existsSync(join(outer, "state", name)) ? readdirSync(join(outer, "state", name)) : []));
  const app = { "public/app": "a".repeat(700_000) };
  await stage("upload-1", app);
  writeFileSync(join(site, "own"), "o".repeat(700_000));
  deployments = freshDeployments();
  await expect(deployments.place(7, "upload-1")).rejects.toThrow("Nothing was placed; send the archive again when there is room");
  expect([left(), readdirSync(site)]).toEqual([[[], [], []], ["own"]]);
  await expect(deployments.place(7, "upload-1")).rejects.toThrow("send the archive again");
  rmSync(join(site, "own"));
  deployments = freshDeployments();
  expect(await codeOf(deploy("upload-1", app))).toBe("done");
  mkdirSync(join(site, "mine"));
  await stage("upload-2", { mine: "a file where a folder of somebody's own is" });
  await stage("upload-3", { other: "waits" });
  expect(await codeOf(deployments.place(7, "upload-2"))).toBe("not_a_file");
  expect(left()).toEqual([["upload-3"], ["upload-3.tar.gz"], ["upload-1.json"]]);
  expect(await codeOf(deployments.place(7, "upload-3"))).toBe("done");
});

it("nothing is taken off for what a link of the site leads to", async () => {
  mkdirSync(join(site, "own"));
  await stageArchive("upload-1", await packedEntries([{ header: { name: "way", type: "symlink", linkname: "own" } }]));
  await deployments.place(7, "upload-1");
  await stage("upload-2", { "way/app": "a".repeat(700_000) });
  writeFileSync(join(site, "own/app"), "o".repeat(700_000));
  expect(await codeOf(freshDeployments().place(7, "upload-2"))).toBe("quota_exceeded");
});
