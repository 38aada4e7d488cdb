// A site whose own program attacks it: the stage of everything that works in a site's folder meanwhile.
import { type ChildProcess, execFileSync } from "node:child_process";
import { once } from "node:events";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { Failure } from "#contract/failure.ts";
import { defaultSiteLimits } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import { plantPipes, swapFolders } from "./folder-swapper.ts";

/** What an orchestrator knows of the site. */
export const attackedSpec: SiteSpec = {
  siteId: 7,
  name: "seven",
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

export interface AttackedSite extends AsyncDisposable {
  /** Holds the site's folder, the secrets, and whatever else a test puts there. */
  readonly outer: string;
  readonly root: string;
  /** What nobody may see or change by way of the site: two files. */
  readonly secrets: string;
  /** Plants pipes as well, in the place of these files. */
  plant(files: readonly string[]): Promise<void>;
  /** The attack stops where it is. */
  halt(): void;
  /** Nothing happened to the secrets, and nothing of them lies in these folders. */
  expectUntouched(folders?: readonly string[]): void;
}

/** Each folder (of the site; the outer ones first) holds a file and is exchanged for a link to the secrets, again and again. */
export async function attackSite(folders: readonly string[]): Promise<AttackedSite> {
  const outer = mkdtempSync(join(tmpdir(), "backlot-swap-"));
  const [root, secrets] = [join(outer, "site"), join(outer, "secrets")];
  mkdirSync(join(secrets, "inner"), { recursive: true });
  for (const file of ["file", "inner/file"]) writeFileSync(join(secrets, file), "canary");
  for (const folder of folders) {
    mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folder, "file"), "mine");
    symlinkSync(secrets, join(root, `${folder}.link`));
  }
  const attackers: ChildProcess[] = [await swapFolders(root, folders)];
  return {
    ...{ outer, root, secrets },
    plant: async (files) => void attackers.push(await plantPipes(root, files)),
    halt: () => {
      for (const attacker of attackers) attacker.kill("SIGSTOP");
    },
    expectUntouched(places = []) {
      expect(readdirSync(secrets, { recursive: true }).toSorted()).toEqual(["file", "inner", "inner/file"]);
      for (const file of ["file", "inner/file"]) {
        expect(readFileSync(join(secrets, file), "utf8")).toBe("canary");
        expect(lstatSync(join(secrets, file)).mode & 0o7777).toBe(0o644);
      }
      for (const place of places) {
        expect(execFileSync("sh", ["-c", 'grep -rl canary "$1" --devices=skip || true', "sh", place], { encoding: "utf8" })).toBe("");
      }
    },
    async [Symbol.asyncDispose]() {
      for (const attacker of attackers) if (attacker.kill("SIGKILL")) await once(attacker, "exit");
      rmSync(outer, { recursive: true });
    },
  };
}

/** How often each thing came of an attempt: `done`, or the code of a refusal. */
export type Outcomes = Readonly<Record<string, number>>;

/** Acts again and again for so long, and then until enough came of it: a busy machine does less in the same time, and an attack on nothing is none. */
export async function during(ms: number, act: (round: number) => Promise<unknown> | unknown, isEnough: (outcomes: Outcomes) => boolean): Promise<Outcomes> {
  const outcomes: Record<string, number> = {};
  const beganAt = Date.now();
  const goesOn = (): boolean => Date.now() - beganAt < ms || (!isEnough(outcomes) && Date.now() - beganAt < 20_000);
  for (let round = 0; goesOn(); round += 1) {
    let outcome = "done";
    try {
      await act(round);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      outcome = error.code;
    }
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  return outcomes;
}
