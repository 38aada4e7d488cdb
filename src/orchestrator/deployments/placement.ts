import { z } from "zod";
import { Failure } from "#contract/failure.ts";
import { unsafe } from "./archive-entry.ts";
import { type Placed, placed, type UnpackedPlan, unpackedPlan } from "./archive-plan.ts";

/** What the last deployment placed. */
export const manifest = z.object({ uploadId: z.string(), entries: z.array(placed) });
export type Manifest = z.output<typeof manifest>;

/** Everything that a placement will do, written down before anything is done: it can be done again from any point. */
export const journal = z.object({
  uploadId: z.string(),
  /** Things of the deployment before that stand where another kind of thing has to go. */
  clear: z.array(placed),
  entries: unpackedPlan.shape.entries,
  /** What the deployment before placed and this one lacks, as it was placed. */
  remove: z.array(placed),
});
export type Journal = z.output<typeof journal>;

/** What stands at a path now, links not followed. */
export type Present = "file" | "folder" | "link" | "other" | undefined;

/** What placing has to know of the site. */
export interface SiteFacts {
  /** For every path of the plan. */
  readonly present: ReadonlyMap<string, Present>;
  /** Folders in which nothing is but what the deployment before placed. */
  readonly ownFolders: ReadonlySet<string>;
  /** What of the deployment before is still as it was placed. What was changed by hand or by the program stays. */
  readonly unchanged: ReadonlySet<string>;
}

/** What a placement is planned by. */
export interface PlacementFacts extends SiteFacts {
  readonly plan: UnpackedPlan;
  readonly before: Manifest | undefined;
}

/** What of a site counts for the quota and may go with a placement. */
export interface SiteHoldings {
  /** Bytes of what stands at the paths of the plan and of the deployment before; a folder has none. A path at which nothing is, is not there. */
  readonly taken: ReadonlyMap<string, number>;
  /** How many entries the folders have that may go; one that cannot be looked into is not there. */
  readonly held: ReadonlyMap<string, number>;
}

/**
 * Decides what a placement does. A file of somebody's own at a deployed path is overwritten; a file or link of his own where
 * a folder is needed, and a folder of his own where a file is needed, are refused, since more than that path would be lost.
 * @throws {Failure} `not_a_folder`, `not_a_file`, `archive_unsafe`
 */
export function planPlacement(uploadId: string, facts: PlacementFacts): Journal {
  const before = new Map(facts.before?.entries.map((entry) => [entry.path, entry]));
  const after = new Set(facts.plan.entries.map((entry) => entry.path));
  const clear = new Map<string, Placed>();
  const emptied = new Set<string>();
  for (const entry of facts.plan.entries) {
    const present = facts.present.get(entry.path);
    if (present === undefined || (present === "folder") === (entry.kind === "folder")) continue;
    if (present === "folder") {
      if (!facts.ownFolders.has(entry.path)) throw new Failure("not_a_file", { path: entry.path });
      emptied.add(entry.path);
    } else if (entry.kind === "folder") {
      const old = before.get(entry.path);
      if (old === undefined || old.kind === "folder") throw refusal(entry.path, present);
      clear.set(entry.path, old);
    }
  }
  // Once for all of them: a look through everything for each would take minutes where many folders become files.
  for (const [path, old] of before) if (isWithin(path, emptied)) clear.set(path, old);
  const goes = (old: Placed): boolean => !after.has(old.path) && !clear.has(old.path) && (old.kind === "folder" || facts.unchanged.has(old.path));
  const remove = [...before.values()].filter(goes);
  return { uploadId, clear: [...clear.values()], entries: facts.plan.entries, remove };
}

/** What a site has more once a journal is carried out; negative when it has less. */
export function growthOf(todo: Journal, { taken, held }: SiteHoldings): { readonly bytes: number; readonly files: number } {
  const goes = new Set([...todo.entries, ...todo.clear].map((entry) => entry.path));
  const left = new Map(held);
  for (const entry of deepestFirst(todo.remove)) {
    // A folder that holds anything else stays.
    if (!taken.has(entry.path) || (entry.kind === "folder" && left.get(entry.path) !== 0)) continue;
    goes.add(entry.path);
    const parent = entry.path.slice(0, Math.max(0, entry.path.lastIndexOf("/")));
    const siblings = left.get(parent);
    if (siblings !== undefined) left.set(parent, siblings - 1);
  }
  let bytes = todo.entries.reduce((sum, entry) => sum + bytesOf(entry), 0);
  let files = todo.entries.length;
  for (const path of goes) {
    const present = taken.get(path);
    if (present === undefined) continue;
    bytes -= present;
    files -= 1;
  }
  return { bytes, files };
}

function bytesOf(entry: Placed): number {
  if (entry.kind === "file") return entry.size;
  return entry.kind === "link" ? Buffer.byteLength(entry.target) : 0;
}

/** The manifest that a journal leads to. */
export function manifestOf(done: Journal): Manifest {
  return { uploadId: done.uploadId, entries: done.entries.map((entry) => placed.parse(entry)) };
}

/** Deepest first, so that a folder comes after what is in it. */
export function deepestFirst<T extends { readonly path: string }>(entries: readonly T[]): readonly T[] {
  const depth = (entry: T): number => entry.path.split("/").length;
  return entries.toSorted((a, b) => depth(b) - depth(a));
}

// Whether it is one of the folders, or below one.
function isWithin(path: string, folders: ReadonlySet<string>): boolean {
  if (folders.size === 0) return false;
  for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) if (folders.has(path.slice(0, end))) return true;
  return false;
}

function refusal(path: string, present: Present): Failure {
  if (present === "link") return unsafe(path, "the site has a link there; delete it first");
  return new Failure("not_a_folder", { path });
}
