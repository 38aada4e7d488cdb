// A program in the site keeps exchanging folders for links that lead out, and plants pipes, while the file API works in them.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Client, createClient } from "#contract/client.ts";
import { readEvents } from "#contract/events.ts";
import { Failure, type FailureCode } from "#contract/failure.ts";
import type { GrantClaims } from "#contract/grant.ts";
import { patchFile } from "#contract/internal/door-files.ts";
import * as endpoints from "#contract/internal/files.ts";
import { steadyClock } from "#kit/clock.ts";
import { createServer } from "#kit/http/server.ts";
import { silentLog } from "#kit/log.ts";
import { type AttackedSite, attackedSpec, attackSite, during as duringAttack } from "../../../test/support/attacked-site.ts";
import { openPast, type Past } from "../../../test/support/file-past.ts";
import { titled, whyNotPython } from "../../../test/support/needs.ts";
import { mountFiles } from "./mount-files.ts";
import { QuotaBook } from "./quota-book.ts";
import { scanUsage } from "./usage-scan.ts";

const claims: GrantClaims = {
  aud: "orchestrator",
  sub: "manager",
  site: attackedSpec.siteId,
  verbs: ["site.files.write"],
  user: 3,
  by: { name: "ann", door: "web", address: null },
  iat: 0,
  exp: 0,
};
const params = { siteId: attackedSpec.siteId };
// A folder that is swapped between being counted and being copied has "grown". A refusal that a person could be told; anything else would be a bug.
const refusals: readonly FailureCode[] = [
  "path_outside_site",
  "not_a_folder",
  "file_not_found",
  "not_a_file",
  "file_changed",
  "file_exists",
  "file_special",
  "quota_exceeded",
  "folder_not_empty",
];

let attacked: AttackedSite;
let app: FastifyInstance;
let client: Client;
let past: Past;

beforeEach(async () => {
  attacked = await attackSite(["dir", "dir/inner"]);
  const { root } = attacked;
  const sites = { folderOf: () => root, specOf: (id: number) => (id === attackedSpec.siteId ? attackedSpec : undefined), ownerOf: () => null };
  past = await openPast(sites);
  app = createServer({ log: silentLog() });
  const quota = new QuotaBook({ sites, clock: steadyClock, reservedBytes: 0, freeBytes: async () => 1e12 });
  mountFiles(app, async () => claims, { sites, quota, ...past });
  client = createClient({ baseUrl: await app.listen({ port: 0, host: "127.0.0.1" }) });
});
afterEach(async () => {
  await app.close();
  await past[Symbol.asyncDispose]();
  await attacked[Symbol.asyncDispose]();
});

async function during(ms: number, act: (round: number) => Promise<unknown>, atLeast = 0): Promise<void> {
  const outcomes = await duringAttack(ms, act, ({ done = 0 }) => done >= atLeast);
  expect(Object.keys(outcomes).filter((outcome) => outcome !== "done" && !refusals.some((refusal) => refusal === outcome))).toEqual([]);
  expect(outcomes.done ?? 0).toBeGreaterThanOrEqual(atLeast);
}

/** Nothing of it came in either: not into the site, nor into what is kept of it. */
function expectUntouched(): void {
  attacked.halt();
  attacked.expectUntouched([attacked.root, past.folder]);
}

describe.skipIf(whyNotPython() !== null)(titled("while folders are swapped for links that lead out", whyNotPython()), () => {
  it("writing, writing in place, moving and deleting keep and touch nothing outside", async () => {
    await during(1_500, (round) => client.call(endpoints.writeSiteFile, { params, query: { path: "dir/inner/file" }, body: `mine ${round}` }), 5);
    await during(600, () => client.call(patchFile, { params, query: { path: "dir/file", offset: 0 }, body: "mine" }));
    await during(600, async (round) => {
      await client.call(endpoints.moveSitePath, { params, body: { from: "dir/inner/file", to: `out${round}` } });
      await client.call(endpoints.moveSitePath, { params, body: { from: `out${round}`, to: "dir/inner/file", replace: true } });
    });
    await during(600, (round) => client.call(endpoints.deleteSitePath, { params, query: { path: round % 2 === 0 ? "dir/inner/file" : "dir/file" } }));
    await during(600, () => client.call(endpoints.deleteSitePath, { params, query: { path: "dir/inner", recursive: true } }));
    expectUntouched();
  }, 90_000);

  it("copies hold nothing from outside", async () => {
    await during(1_000, (round) => client.call(endpoints.copySitePath, { params, body: { from: "dir/inner/file", to: `copy${round}` } }), 3);
    await during(1_000, (round) => client.call(endpoints.copySitePath, { params, body: { from: "dir", to: `folder${round}` } }), 3);
    await during(600, (round) => client.call(endpoints.copySitePath, { params, body: { from: "dir/inner", to: `dir/inner/copy${round}` } }));
    expectUntouched();
  }, 90_000);

  it("history, restoring and searching tell and touch nothing outside", async () => {
    await client.call(endpoints.writeSiteFile, { params, query: { path: "safe.txt" }, body: "one" });
    await client.call(endpoints.writeSiteFile, { params, query: { path: "safe.txt" }, body: "two" });
    const [version] = (await client.call(endpoints.listVersions, { params, query: { path: "safe.txt" } })).versions;
    await during(1_000, () => client.call(endpoints.restoreVersion, { params, body: { version: version?.id ?? "", path: "dir/inner/file" } }));
    await during(600, () => client.call(endpoints.listVersions, { params, query: { path: "dir/inner/file" } }));
    await during(600, () => client.call(endpoints.listVersions, { params, query: { deleted: true } }));
    await during(2_000, async () => {
      const { files } = await client.call(endpoints.searchFiles, { params, query: { query: "canary" } });
      expect(files).toEqual([]);
    });
    await during(
      1_500,
      () => client.call(endpoints.searchFiles, { params, query: { query: "canary", path: "dir/inner" } }).then(({ files }) => expect(files).toEqual([])),
      2,
    );
    expectUntouched();
  }, 90_000);

  it("archives that are downloaded hold nothing from outside, and pipes in the place of files hold nobody up", async () => {
    const zips = join(attacked.outer, "zips");
    for (const folder of [zips, join(attacked.root, "box")]) mkdirSync(folder);
    await attacked.plant(["piped", "box/piped"]);
    const soon = () => ({ signal: AbortSignal.timeout(20_000) });
    const download = async (path: string, name: string): Promise<void> => {
      const response = await client.fetch(endpoints.readArchive, { params, query: { path }, ...soon() });
      // One that is cut short since a file became something else in between is no archive.
      const bytes = await response.arrayBuffer().catch((cause: unknown) => {
        throw cause instanceof TypeError ? new Failure("file_changed", { path }, { cause }) : cause;
      });
      writeFileSync(join(zips, name), Buffer.from(bytes));
    };
    await during(1_000, (round) => download("dir", `dir-${round}`), 2);
    await during(2_500, (round) => download(round % 2 === 0 ? "box" : "", `piped-${round}`), 2);
    const query = { path: "piped" };
    await during(500, () => client.call(endpoints.writeSiteFile, { params, query, body: "mine", ...soon() }), 2);
    await during(500, async () => void (await (await client.fetch(endpoints.readSiteFile, { params, query, ...soon() })).arrayBuffer()), 2);
    await during(500, () => client.call(patchFile, { params, query: { ...query, offset: 0 }, body: "mine", ...soon() }));
    await during(500, (round) => client.call(endpoints.copySitePath, { params, body: { from: "box", to: `box${round}` }, ...soon() }), 1);
    await during(500, () => client.call(endpoints.searchFiles, { params, query: { query: "mine" }, ...soon() }), 1);
    expectUntouched();
    expect(Number(execFileSync("python3", ["-c", lookIntoZips, zips], { encoding: "utf8" }))).toBeGreaterThan(2);
  }, 120_000);

  it("changes outside are not told", async () => {
    const response = await client.fetch(endpoints.followChanges, { params, query: { folder: ["dir", "dir/inner"] as never } });
    if (response.body === null) throw new Error("no body");
    const ended = setTimeout(() => writeFileSync(join(attacked.root, "dir.end"), ""), 0);
    const writing = setInterval(() => writeFileSync(join(attacked.secrets, "leaked-name"), String(Date.now())), 20);
    const stopAt = Date.now() + 3_000;
    for await (const { data } of readEvents(response.body)) {
      expect(data).not.toContain("leaked-name");
      if (Date.now() > stopAt) break;
    }
    clearInterval(writing);
    clearTimeout(ended);
    rmSync(join(attacked.secrets, "leaked-name"), { force: true });
    expectUntouched();
  }, 90_000);

  it("a folder that is a link in one moment and a folder in the next is not called shut", async () => {
    const jail = { root: attacked.root, owner: null };
    const seen = new Set<boolean>();
    for (const until = Date.now() + 2_000; Date.now() < until; ) seen.add((await scanUsage(jail, 1_000)).isShut);
    expect([...seen]).toEqual([false]);
  });
});

/** Says how many whole archives a folder has; fails when one of them has something from outside. */
const lookIntoZips = `
import os, sys, zipfile
whole = 0
for name in os.listdir(sys.argv[1]):
  try: archive = zipfile.ZipFile(os.path.join(sys.argv[1], name))
  except zipfile.BadZipFile: continue
  for entry in archive.namelist(): assert b"canary" not in archive.read(entry), (name, entry)
  whole += 1
print(whole)
`;

describe.skipIf(whyNotPython() !== null)(titled("bad input, while folders are swapped", whyNotPython()), () => {
  it("pipes, names that are no text and huge names are refused or passed over, and nothing waits", async () => {
    attacked.halt();
    execFileSync("mkfifo", [
      join(attacked.root, "pipe"),
      join(attacked.root, "pipe2"),
      join(attacked.root, "pipe3"),
      join(attacked.root, "pipe4"),
      join(attacked.root, "pipe5"),
    ]);
    writeFileSync(Buffer.concat([Buffer.from(`${attacked.root}/`), Buffer.from([0xff, 0xfe, 0x41])]), "odd");
    const codeOf = (act: Promise<unknown>): Promise<string> =>
      act.then(
        () => "done",
        (error: unknown) => (error instanceof Failure ? error.code : String(error)),
      );
    const huge = "x".repeat(300);
    expect(
      await Promise.all([
        codeOf(client.call(endpoints.writeSiteFile, { params, query: { path: "pipe" }, body: "x" })),
        codeOf(client.call(endpoints.copySitePath, { params, body: { from: "pipe2", to: "copy" } })),
        codeOf(client.call(endpoints.copySitePath, { params, body: { from: "dir", to: huge } })),
        codeOf(client.call(endpoints.listVersions, { params, query: { path: huge } })),
        codeOf(client.call(endpoints.listVersions, { params, query: { path: "../etc/passwd" } })),
        codeOf(client.call(endpoints.listVersions, { params, query: { path: "a\u0000b" } })),
        codeOf(client.call(endpoints.restoreVersion, { params, body: { version: "00000000", path: "pipe3" } })),
        codeOf(client.call(endpoints.searchFiles, { params, query: { query: "x", path: "pipe4" } })),
        codeOf(client.call(endpoints.searchFiles, { params, query: { query: "odd" } })),
        codeOf(client.fetch(endpoints.followChanges, { params, query: { folder: `/${huge}` } })),
        codeOf(client.fetch(endpoints.followChanges, { params, query: { folder: Array.from({ length: 65 }, (_, index) => `f${index}`) as never } })),
      ]),
    ).toEqual([
      ...["file_special", "file_special", "path_invalid", "path_invalid", "path_invalid", "path_invalid", "version_not_found"],
      ...["not_a_folder", "done", "path_invalid", "input_invalid"],
    ]);
    await client.call(endpoints.deleteSitePath, { params, query: { path: "pipe5" } });
    expect(readFileSync(join(attacked.root, "dir/file"), "utf8")).toMatch(/mine|canary/);
  });
});
