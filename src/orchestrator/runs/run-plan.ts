import { Failure } from "#contract/failure.ts";
import type { RunSpec } from "#contract/internal/runs.ts";
import type { SiteEgress } from "#contract/site.ts";
import type { RunEnd } from "#contract/task.ts";
import { codeOf } from "#kit/jail/descriptor.ts";
import type { Jail } from "#kit/jail/jail.ts";
import type { SiteShelf } from "#orchestrator/files/site-shelf.ts";
import { type RunCommand, type RunPlace, StartLost, siteScriptsFolder } from "#orchestrator/runtime/run.ts";
import { findScript } from "#orchestrator/scripts/find-script.ts";

/** What is to be started, or why nothing is: with the words that a shell would have for it. */
export type RunPlan =
  | { readonly kind: "start"; readonly place: RunPlace; readonly folder: string; readonly command: RunCommand }
  | { readonly kind: "end"; readonly end: RunEnd; readonly code: number | null; readonly message: string; readonly stderr: string };

type Ending = Extract<RunPlan, { kind: "end" }>;

/** Where runs that belong to no site are, and what is allowed here. */
export interface RunHost {
  readonly sites: SiteShelf;
  readonly homeFolder: string;
  /** What runs of the home folder may connect to. */
  readonly homeEgress: SiteEgress;
  readonly libraryFolder: string;
  readonly allowsCommands: boolean;
  readonly timeZone: string;
  /** Whether the site may write more. @throws {Failure} `quota_exceeded`. */
  readonly checkRoom: (siteId: number) => Promise<void>;
}

/** Decides what a run starts. */
export async function planRun(host: RunHost, spec: RunSpec): Promise<RunPlan> {
  const found = placeOf(host, spec.siteId);
  const obstacle = await whyNothingRuns(host, spec.siteId);
  if (found === null || obstacle !== null) return refused(obstacle ?? notHere);
  const { place, folder } = found;
  const start = (command: RunCommand): RunPlan => ({ kind: "start", place, folder, command });
  const { program } = spec;
  if (program.kind === "command") {
    return host.allowsCommands ? start({ kind: "command", command: program.command }) : refused(new Failure("commands_off").message);
  }
  const script = await findScript(found.jail, place.kind === "site" ? `${siteScriptsFolder}/${program.path}` : program.path);
  const shellArguments = host.allowsCommands ? (program.shellArguments ?? null) : null;
  if (script.kind === "script") return start({ kind: "script", path: program.path, needsShell: script.needsShell, shellArguments });
  if (script.kind === "not-found" && program.orCommand !== undefined && host.allowsCommands) return start({ kind: "command", command: program.orCommand });
  return script.kind === "not-found" ? notFound(program.path) : notExecutable(program.path);
}

const notHere = "The site is not on this machine.";

/** Why no run may go on in a place, in words; null when one may. */
export async function whyNothingRuns(host: RunHost, siteId: number | null): Promise<string | null> {
  if (siteId === null) return null;
  const spec = host.sites.specOf(siteId);
  if (spec === undefined) return notHere;
  if (spec.availability === "disabled") return "The site is disabled, so nothing runs in it.";
  try {
    await host.checkRoom(siteId);
    return null;
  } catch (error) {
    if (error instanceof Failure) return error.message;
    throw error;
  }
}

function placeOf(host: RunHost, siteId: number | null): { readonly place: RunPlace; readonly folder: string; readonly jail: Jail } | null {
  if (siteId === null) {
    return {
      place: { kind: "home", timeZone: host.timeZone, egress: host.homeEgress },
      folder: host.homeFolder,
      jail: { root: host.libraryFolder, owner: null },
    };
  }
  const spec = host.sites.specOf(siteId);
  if (spec === undefined) return null;
  const folder = host.sites.folderOf(siteId);
  return { place: { kind: "site", spec, folder }, folder, jail: { root: folder, owner: host.sites.ownerOf(siteId) } };
}

export function refused(message: string): Ending {
  return { kind: "end", end: "refused", code: null, message, stderr: `${message}\n` };
}

function notFound(path: string): RunPlan {
  return { kind: "end", end: "not-found", code: 127, message: `There is no script called ${path}.`, stderr: `sh: 1: ${path}: not found\n` };
}

function notExecutable(path: string): RunPlan {
  const message = `The script ${path} is not executable. Make it so: chmod +x ${path}`;
  return { kind: "end", end: "not-executable", code: 126, message, stderr: `sh: 1: ${path}: Permission denied\n` };
}

/** How an attempt ends whose start failed; null: nothing of it has begun, so that it may be started again. */
export function endOfFailedStart(error: unknown): Ending | null {
  if (error instanceof StartLost) return { kind: "end", end: "lost", code: null, message: lostMessage, stderr: "" };
  if (codeOf(error) === "E2BIG") return argumentsTooLong();
  return error instanceof Failure && error.code === "isolation_missing" ? refused(error.message) : null;
}

const lostMessage = "It may have begun, and nobody can tell what became of it. Look at what it has done before you start it again.";

/** More arguments than the kernel hands over; shells end with the same code. */
function argumentsTooLong(): Ending {
  const message = "The arguments are longer than the system hands to a program.";
  return { kind: "end", end: "not-executable", code: 126, message, stderr: "sh: 1: Argument list too long\n" };
}
