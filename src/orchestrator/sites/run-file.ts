import { lstat } from "node:fs/promises";
import { Failure } from "#contract/failure.ts";
import type { SiteKind } from "#contract/site.ts";
import type { StartRequest } from "#orchestrator/runtime/site-runtime.ts";

const places: readonly StartRequest["runFile"][] = ["run.sh", "private/run.sh", "public/run.sh"];

/**
 * Finds `run.sh` in the three places of the original, the first one wins. Only looks: what it is gets judged inside the sandbox,
 * where a link that leads out of the site leads nowhere.
 * @throws {Failure} `run_file_missing`
 */
export async function findRunFile(folder: string, kind: SiteKind): Promise<StartRequest["runFile"]> {
  // A file server of its own needs none.
  if (kind === "static") return "run.sh";
  for (const place of places) {
    const found = await lstat(`${folder}/${place}`).catch(() => undefined);
    if (found?.isFile() || found?.isSymbolicLink()) return place;
  }
  throw new Failure("run_file_missing");
}
