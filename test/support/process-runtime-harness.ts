// Sites in a temporary folder for the process runtime, under a folder that no other user may enter: as /root is.
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, copyFileSync, lchownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defaultSiteLimits, type SiteLimits, siteFolder } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import { silentLog } from "#kit/log.ts";
import { createProcessRuntime, type ProcessRuntimeOptions } from "#orchestrator/runtime/process/process-runtime.ts";
import { siteOwner } from "#orchestrator/runtime/process/site-owner.ts";
import { type RunRequest, siteScriptsFolder } from "#orchestrator/runtime/run.ts";
import type { StartRequest } from "#orchestrator/runtime/site-runtime.ts";
import { type MakeRun, runScripts } from "./site-run-suite.ts";
import type { RuntimeUnderTest } from "./site-runtime-suite.ts";
import { enterCommands } from "./site-terminal-suite.ts";

export interface SiteGiven {
  readonly siteId?: number;
  readonly instance?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly limits?: Partial<SiteLimits>;
  readonly isTrusted?: boolean;
  readonly egress?: SiteSpec["egress"];
  readonly runFile?: StartRequest["runFile"];
  /** Path → text; `run.sh` becomes executable. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface ProcessRuntimeHarness extends RuntimeUnderTest {
  readonly base: string;
  readonly installation: string;
  readonly options: ProcessRuntimeOptions;
  /** A site with these files; what its program prints is gathered in `printed`. */
  make(given: SiteGiven): { readonly request: StartRequest; readonly printed: () => string };
}

// Programs of tests boot in parallel on a busy machine: a whole core each, and enough memory for Node.
const roomyLimits: SiteLimits = { ...defaultSiteLimits, cpu: 2, memoryBytes: 256_000_000 };

export function processRuntimeHarness(given: Partial<ProcessRuntimeOptions> = {}): ProcessRuntimeHarness {
  const base = mkdtempSync(join(tmpdir(), "backlot-runtime-"));
  chmodSync(base, 0o700);
  const installation = given.installation ?? `t${randomBytes(3).toString("hex").slice(0, 5)}`;
  const home = { folder: join(base, "home"), library: join(base, "scripts") };
  const options = { stateFolder: join(base, "state"), sitesFolder: join(base, "sites"), home, log: silentLog(), installation, ...given };
  const runtime = createProcessRuntime(options);
  const make = (site: SiteGiven) => {
    const output: { stream: "stdout" | "stderr"; text: string }[] = [];
    const request = makeSite(options.sitesFolder, site, (stream, text) => output.push({ stream, text }));
    return { request, output, printed: () => output.map((chunk) => chunk.text).join("") };
  };
  return {
    base,
    installation,
    options,
    runtime,
    make,
    site: async (siteId, behaviour, more = {}) => make({ siteId, ...more, environment: { BEHAVIOUR: behaviour }, files: programFiles }),
    run: makeRun(options.sitesFolder, home.library),
    enter: async (key, behaviour, size) => {
      const { spec, folder } = makeSite(options.sitesFolder, { siteId: 31, isTrusted: true }, () => undefined);
      return { key, spec, folder, command: enterCommands[behaviour], size, environment: {} };
    },
    [Symbol.asyncDispose]: async () => {
      await runtime.close();
      rmSync(base, { recursive: true, force: true });
    },
  };
}

/** Makes runs whose scripts stand in the library, or in the site. */
export function makeRun(sitesFolder: string, library: string): MakeRun {
  return async (run, behaviour, { siteId } = {}) => {
    const site = siteId === undefined ? null : makeSite(sitesFolder, { siteId, isTrusted: true }, () => undefined);
    const folder = site === null ? library : join(site.folder, siteScriptsFolder);
    mkdirSync(folder, { recursive: true });
    const script = join(folder, `${run}.sh`);
    writeFileSync(script, runScripts[behaviour]);
    chmodSync(script, 0o755);
    const output: { stream: string; text: string }[] = [];
    const request: RunRequest = {
      run,
      place: site === null ? { kind: "home", timeZone: "UTC" } : { kind: "site", spec: site.spec, folder: site.folder },
      command: { kind: "script", path: `${run}.sh`, needsShell: false, shellArguments: null },
      arguments: ["a b"],
      environment: {},
      limits: { cpu: 2, memoryBytes: 128_000_000, pids: 64 },
      onOutput: (stream, chunk) => void output.push({ stream, text: Buffer.from(chunk).toString() }),
    };
    return { request, printed: (stream) => output.flatMap((piece) => (piece.stream === stream ? [piece.text] : [])).join("") };
  };
}

/** Copied into a site, so that the sandbox needs to show nothing else. */
const program = fileURLToPath(new URL("./site-runtime-program.mjs", import.meta.url));
export const programFiles = { "run.sh": '#!/bin/sh\nexec node "$(dirname "$0")/program.mjs"\n', "program.mjs": "" };

export function makeSite(sitesFolder: string, given: SiteGiven, onOutput: StartRequest["onOutput"]): StartRequest {
  const siteId = given.siteId ?? 1;
  const folder = join(sitesFolder, siteFolder(siteId));
  for (const inner of ["", "public", "private", ".home"]) mkdirSync(join(folder, inner), { recursive: true, mode: 0o770 });
  for (const [path, text] of Object.entries(given.files ?? {})) {
    // Replaced, not written over: another instance may be starting from it, and would end at the end of half a file.
    const fresh = join(folder, `${path}.new`);
    if (path === "program.mjs" && text === "") copyFileSync(program, fresh);
    else writeFileSync(fresh, text, { mode: path.endsWith("run.sh") ? 0o755 : 0o644 });
    renameSync(fresh, join(folder, path));
  }
  ownAll(folder, siteId);
  return { spec: specOf(siteId, given), instance: given.instance ?? "main", folder, runFile: given.runFile ?? "run.sh", onOutput };
}

function specOf(siteId: number, given: SiteGiven): SiteSpec {
  return {
    siteId,
    name: `site-${siteId}`,
    kind: "dynamic",
    availability: "enabled",
    limits: { ...roomyLimits, ...given.limits },
    environment: { ...given.environment },
    timeZone: "Europe/Berlin",
    canRunTwice: true,
    egress: given.egress ?? "none",
    database: null,
    isTrusted: given.isTrusted ?? false,
    revision: 1,
  };
}

function ownAll(folder: string, siteId: number): void {
  const owner = siteOwner(siteId);
  if (owner === null) return;
  chownSync(folder, owner.uid, owner.gid);
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    // A link itself, and not what it leads to: that may be the machine.
    lchownSync(path, owner.uid, owner.gid);
    if (lstatSync(path).isDirectory()) ownAll(path, siteId);
  }
}
