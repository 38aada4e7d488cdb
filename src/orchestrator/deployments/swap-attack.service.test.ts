// A program in the site keeps exchanging a folder for a link that leads out, and plants pipes, while archives are put in place there.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { steadyClock, systemClock } from "#kit/clock.ts";
import { silentLog } from "#kit/log.ts";
import { type AttackedSite, attackedSpec, attackSite, during } from "../../../test/support/attacked-site.ts";
import { packed } from "../../../test/support/backlot-archive.ts";
import { titled, whyNotPython } from "../../../test/support/needs.ts";
import { QuotaBook } from "../files/quota-book.ts";
import { Deployments } from "./deployments.ts";

const { siteId } = attackedSpec;
let site: AttackedSite;
let state: string;
let deployments: Deployments;

beforeEach(async () => {
  site = await attackSite(["dir"]);
  state = join(site.outer, "state");
  const sites = { folderOf: () => site.root, specOf: () => attackedSpec, ownerOf: () => null };
  const quota = new QuotaBook({ sites, clock: steadyClock, reservedBytes: 0 });
  deployments = new Deployments({ sites, quota, clock: systemClock, log: silentLog(), stateFolder: () => state });
  await site.plant(["piped"]);
});
afterEach(() => site[Symbol.asyncDispose]());

describe.skipIf(whyNotPython() !== null)(titled("while a folder is swapped for a link and pipes are planted", whyNotPython()), () => {
  it("archives are put in place or refused, nothing outside is touched, and the next one after it is whole", async () => {
    const outcomes = await during(
      2_000,
      (round) => deploy(`attacked-${round}`, contentsOf(round)),
      ({ done = 0 }) => done > 0,
    );
    expect(outcomes.done ?? 0, JSON.stringify(outcomes)).toBeGreaterThan(0);
    site.halt();
    site.expectUntouched([site.root, state]);
    for (const name of readdirSync(site.root)) if (name !== "dir") rmSync(join(site.root, name), { recursive: true });
    rmSync(join(site.root, "dir"), { recursive: true, force: true });
    await deploy("afterwards", contentsOf(1001));
    for (const [path, content] of Object.entries(contentsOf(1001))) expect(readFileSync(join(site.root, path), "utf8")).toBe(content);
  }, 120_000);
});

function contentsOf(round: number): Readonly<Record<string, string>> {
  // All of it seldom finds everything at its place.
  const some = [["piped", "index.html"], ["dir/file"], ["dir/file", "dir/other", `dir/deep/${round % 2}/file`, "piped", "index.html"]];
  const paths = some[round % 3] ?? [];
  return Object.fromEntries(paths.map((path) => [path, `mine ${round}`]));
}

/** Anything but a refusal that people are told would be a bug, and so would waiting at a pipe. */
async function deploy(uploadId: string, files: Readonly<Record<string, string>>): Promise<void> {
  const beganAt = Date.now();
  const bytes = await packed(files);
  const source = (async function* () {
    yield bytes;
  })();
  try {
    await deployments.upload(siteId, uploadId, { source, expectedBytes: bytes.length });
    await deployments.unpack(siteId, uploadId);
    await deployments.place(siteId, uploadId);
  } catch (error) {
    if (error instanceof Failure) expect(error.status).toBeLessThan(500);
    throw error;
  } finally {
    expect(Date.now() - beganAt).toBeLessThan(20_000);
  }
}
