// A program in the site keeps exchanging a folder for a link that leads out, and plants pipes, while archives are put in place there.
import { type ChildProcess, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { defaultSiteLimits } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import { systemClock } from "#kit/clock.ts";
import { silentLog } from "#kit/log.ts";
import { packed } from "../../../test/support/backlot-archive.ts";
import { plantPipes, swapFolders } from "../../../test/support/folder-swapper.ts";
import { titled, whyNotPython } from "../../../test/support/needs.ts";
import { QuotaBook } from "../files/quota-book.ts";
import { Deployments } from "./deployments.ts";

const spec: SiteSpec = {
  siteId: 1,
  name: "one",
  kind: "static",
  availability: "enabled",
  limits: { ...defaultSiteLimits, files: 100_000 },
  environment: {},
  timeZone: "UTC",
  canRunTwice: true,
  egress: "none",
  database: null,
  isTrusted: false,
  revision: 1,
};

let outer: string;
let site: string;
let deployments: Deployments;
let attackers: readonly ChildProcess[];

beforeEach(async () => {
  outer = mkdtempSync(join(tmpdir(), "backlot-swap-deploy-"));
  site = join(outer, "site");
  mkdirSync(join(outer, "secrets"));
  writeFileSync(join(outer, "secrets/file"), "canary");
  mkdirSync(join(site, "dir"), { recursive: true });
  writeFileSync(join(site, "dir/file"), "mine");
  symlinkSync(join(outer, "secrets"), join(site, "dir.link"));
  const sites = { folderOf: () => site, specOf: () => spec, ownerOf: () => null };
  const quota = new QuotaBook({ sites, clock: systemClock, reservedBytes: 0 });
  deployments = new Deployments({ sites, quota, clock: systemClock, log: silentLog(), stateFolder: () => join(outer, "state") });
  attackers = await Promise.all([swapFolders(site, ["dir"]), plantPipes(site, ["piped"])]);
});
afterEach(async () => {
  for (const attacker of attackers) if (attacker.kill("SIGKILL")) await once(attacker, "exit");
  rmSync(outer, { recursive: true });
});

describe.skipIf(whyNotPython() !== null)(titled("while a folder is swapped for a link and pipes are planted", whyNotPython()), () => {
  it("archives are put in place or refused, nothing outside is touched, and the next one after it is whole", async () => {
    const outcomes: Record<string, number> = {};
    const beganAt = Date.now();
    const goesOn = (): boolean => Date.now() - beganAt < 2_000 || ((outcomes.done ?? 0) < 1 && Date.now() - beganAt < 30_000);
    for (let round = 0; goesOn(); round += 1) {
      const outcome = await deploy(`attacked-${round}`, contentsOf(round));
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
    expect(outcomes.done ?? 0, JSON.stringify(outcomes)).toBeGreaterThan(0);
    for (const attacker of attackers) attacker.kill("SIGSTOP");
    expect(readdirSync(join(outer, "secrets"))).toEqual(["file"]);
    expect(readFileSync(join(outer, "secrets/file"), "utf8")).toBe("canary");
    expect(execFileSync("sh", ["-c", 'grep -rl canary "$1" "$2" --devices=skip || true', "sh", site, join(outer, "state")], { encoding: "utf8" })).toBe("");
    for (const name of readdirSync(site)) if (name !== "dir") rmSync(join(site, name), { recursive: true });
    rmSync(join(site, "dir"), { recursive: true, force: true });
    expect(await deploy("afterwards", contentsOf(1001))).toBe("done");
    for (const [path, content] of Object.entries(contentsOf(1001))) expect(readFileSync(join(site, path), "utf8")).toBe(content);
  }, 120_000);
});

function contentsOf(round: number): Readonly<Record<string, string>> {
  // All of it seldom finds everything at its place.
  const some = [["piped", "index.html"], ["dir/file"], ["dir/file", "dir/other", `dir/deep/${round % 2}/file`, "piped", "index.html"]];
  const paths = some[round % 3] ?? [];
  return Object.fromEntries(paths.map((path) => [path, `mine ${round}`]));
}

/** What came of it; anything but a refusal that people are told would be a bug, and so would waiting at a pipe. */
async function deploy(uploadId: string, files: Readonly<Record<string, string>>): Promise<string> {
  const beganAt = Date.now();
  const bytes = await packed(files);
  const source = (async function* () {
    yield bytes;
  })();
  try {
    await deployments.upload(1, uploadId, { source, expectedBytes: bytes.length });
    await deployments.unpack(1, uploadId);
    await deployments.place(1, uploadId);
    return "done";
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    expect(error.status).toBeLessThan(500);
    return error.code;
  } finally {
    expect(Date.now() - beganAt).toBeLessThan(20_000);
  }
}
