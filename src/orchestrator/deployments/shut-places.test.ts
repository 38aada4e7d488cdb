import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { steadyClock, systemClock } from "#kit/clock.ts";
import { silentLog } from "#kit/log.ts";
import { asOrdinaryUser, removeShut } from "../../../test/support/as-ordinary-user.ts";
import { siteSpecOf } from "../../../test/support/site-runner-stage.ts";
import { QuotaBook } from "../files/quota-book.ts";
import { Deployments } from "./deployments.ts";

let outer: string;
let deployments: Deployments;
let atStep: (step: string) => void;
const inside = (path: string): string => join(outer, "site", path);

beforeEach(() => {
  outer = mkdtempSync(join(tmpdir(), "backlot-shut-deploy-"));
  atStep = () => undefined;
  const sites = { folderOf: () => inside(""), specOf: () => siteSpecOf(), ownerOf: () => null };
  // Counting would open everything up before the deployment comes by.
  const scan = async () => ({ bytes: 0, files: 0, isTooDeep: false, isShut: false });
  const quota = new QuotaBook({ sites, clock: steadyClock, reservedBytes: 0, scan });
  const checkpoint = (step: string): void => atStep(step);
  deployments = new Deployments({ sites, quota, clock: systemClock, log: silentLog(), stateFolder: () => join(outer, "state"), checkpoint });
});
afterEach(() => removeShut(outer));

async function deploy(uploadId: string, ...names: readonly string[]): Promise<{ readonly written: number; readonly removed: number }> {
  const out = pack();
  for (const name of names) out.entry({ name, mode: 0o644 }, uploadId);
  out.finalize();
  const bytes = gzipSync(await buffer(out));
  const source = (async function* () {
    yield bytes;
  })();
  await deployments.upload(1, uploadId, { source, expectedBytes: bytes.length });
  await deployments.unpack(1, uploadId);
  return deployments.place(1, uploadId);
}
const ordinarily = (act: () => Promise<void>): Promise<void> =>
  asOrdinaryUser(outer, async () => {
    mkdirSync(inside(""));
    await deploy("upload-1", "run.sh", "public/a", "public/b/c", "private/d", "e/f");
    await act();
  });

describe("where the platform is an ordinary user, and the site's program took rights away", () => {
  it("what may not be read or reached counts as changed and stays", () =>
    ordinarily(async () => {
      chmodSync(inside("public/a"), 0o000);
      chmodSync(inside("private"), 0o000);
      chmodSync(inside("e"), 0o500);
      expect(await deploy("upload-2", "run.sh")).toEqual({ written: 1, removed: 2 });
      chmodSync(inside("private"), 0o700);
      expect(["public/a", "private/d", "e/f", "public/b"].filter((path) => existsSync(inside(path)))).toEqual(["public/a", "private/d", "e/f"]);
    }));

  it("in the middle of a removal, the deployment ends and the next one takes place", () =>
    ordinarily(async () => {
      atStep = (step) => {
        if (step === "remove public/a") chmodSync(inside("public/a"), 0o000);
        if (step === "remove private/d") chmodSync(inside("private"), 0o000);
      };
      expect(await deploy("upload-2", "run.sh")).toMatchObject({ written: 1 });
      expect(await deploy("upload-3", "run.sh", "private/d")).toMatchObject({ written: 2 });
      expect([readFileSync(inside("run.sh"), "utf8"), readFileSync(inside("private/d"), "utf8")]).toEqual(["upload-3", "upload-3"]);
    }));

  it("what is placed arrives all the same, also in the place of a folder", () =>
    ordinarily(async () => {
      for (const [path, mode] of [
        ["public/b", 0o500],
        ["public", 0o000],
        ["private", 0o300],
        ["e", 0o500],
        ["", 0o500],
      ] as const)
        chmodSync(inside(path), mode);
      expect(await deploy("upload-2", "public/b/c", "public/b/new", "private/d", "e")).toEqual({ written: 4, removed: expect.any(Number) });
      for (const path of ["public/b/c", "public/b/new", "private/d", "e"]) expect(readFileSync(inside(path), "utf8")).toBe("upload-2");
      expect(readdirSync(inside("")).filter((name) => name.includes("before-deployment"))).toEqual([]);
    }));
});
