import { chownSync, mkdirSync } from "node:fs";
import { Failure } from "#contract/failure.ts";
import { homeOwner } from "../process/site-owner.ts";
import type { RuntimeCapabilities } from "../site-runtime.ts";
import { isAway, statusOf } from "./engine.ts";
import { awayFailure } from "./swarm-managers.ts";

/** What can be said of a machine whose engine cannot be used. */
export function unreachable(host: string, error: unknown): RuntimeCapabilities {
  const words = `The Docker engine at ${host} cannot be used: ${error instanceof Error ? error.message : String(error)}`;
  return {
    isolates: false,
    missing: [words],
    limits: { memory: false, cpu: false, pids: false },
    freezes: false,
    freezeNote: words,
    egress: { isAvailable: false, notes: [words] },
  };
}

/** What a failed preparation lacks, in words. */
export function missingIn(error: unknown): readonly string[] {
  const words = error instanceof Failure ? error.details.missing : null;
  return Array.isArray(words) ? words.map(String) : [error instanceof Error ? error.message : String(error)];
}

/** For a `catch`: an engine that is away is told in words, everything else as it is. */
export function asFailure(error: unknown): never {
  throw error instanceof Failure || !isAway(error) ? error : awayFailure(error);
}

/** Whether that is what went wrong. */
export function isAwayFailure(error: unknown): boolean {
  return error instanceof Failure ? error.code === "component_away" : isAway(error);
}

/** For a `catch`: what is gone, or on its way, is as good as removed. */
export function unlessGone(error: unknown): void {
  if (![404, 409].includes(statusOf(error) ?? 0)) throw error;
}

/** Makes the folders of runs outside of sites. */
export function openHome(home: { readonly folder: string; readonly library: string }): void {
  const isNew = mkdirSync(home.folder, { recursive: true, mode: 0o755 }) !== undefined;
  mkdirSync(home.library, { recursive: true, mode: 0o755 });
  const owner = homeOwner();
  // One that was there before may be shared on purpose: whose it is stays as it is.
  if (isNew && owner !== null) chownSync(home.folder, owner.uid, owner.gid);
}
