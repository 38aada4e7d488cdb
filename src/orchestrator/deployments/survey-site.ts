import { Failure } from "#contract/failure.ts";
import { faultOf } from "#kit/jail/fault.ts";
import { findPlace, type Jail } from "#kit/jail/jail.ts";
import { statPath } from "#kit/jail/read-file.ts";
import { walkTree } from "#kit/jail/walk-tree.ts";
import type { Placed, UnpackedPlan } from "./archive-plan.ts";
import type { Manifest, Present, SiteFacts } from "./placement.ts";
import { isAsPlaced } from "./run-placement.ts";

/** Looks at everything in a site that planning a placement depends on. */
export async function surveySite(jail: Jail, plan: UnpackedPlan, before: Manifest | undefined): Promise<SiteFacts> {
  const old = new Map(before?.entries.map((entry) => [entry.path, entry]));
  const present = new Map<string, Present>();
  const ownFolders = new Set<string>();
  for (const entry of plan.entries) {
    const type = quietly(() => statPath(jail, entry.path)?.type);
    present.set(entry.path, type);
    if (type === "folder" && entry.kind !== "folder" && (await isOwn(jail, entry.path, old))) ownFolders.add(entry.path);
  }
  const after = new Set(plan.entries.map((entry) => entry.path));
  const unchanged = new Set<string>();
  for (const entry of old.values()) {
    if (entry.kind !== "folder" && !after.has(entry.path) && (await isUnchanged(jail, entry))) unchanged.add(entry.path);
  }
  return { present, ownFolders, unchanged };
}

async function isOwn(jail: Jail, folder: string, old: ReadonlyMap<string, Placed>): Promise<boolean> {
  if (old.get(folder)?.kind !== "folder") return false;
  let isShut = false;
  const whenShut = (): void => {
    isShut = true;
  };
  try {
    for await (const entry of walkTree(jail, folder, { whenShut })) if (!old.has(`${folder}/${entry.path}`)) return false;
  } catch (error) {
    return refuseUnforeseen(error, folder);
  }
  return !isShut;
}

async function isUnchanged(jail: Jail, entry: Placed): Promise<boolean> {
  const place = quietly(() => findPlace(jail, entry.path, { follow: false, noLinks: true }));
  if (place === undefined) return false;
  using open = place;
  try {
    return await isAsPlaced(open, entry);
  } catch (error) {
    return refuseUnforeseen(error, entry.path);
  }
}

// What may not be read, became something else or went away is not what was placed.
function refuseUnforeseen(error: unknown, path: string): false {
  if (faultOf(error, path) instanceof Failure) return false;
  throw error;
}

// A path that leads nowhere, through a file or out by a link has nothing of ours.
function quietly<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    refuseUnforeseen(error, "");
    return undefined;
  }
}
