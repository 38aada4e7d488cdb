import { lstatSync, type Stats } from "node:fs";
import { setImmediate as others } from "node:timers/promises";
import { Failure } from "#contract/failure.ts";
import { at } from "#kit/jail/descriptor.ts";
import { faultOf } from "#kit/jail/fault.ts";
import { findPlace, type Jail } from "#kit/jail/jail.ts";
import { enterFolder, entryNames } from "#kit/jail/list-folder.ts";
import { takenBytes } from "#kit/jail/taken-bytes.ts";
import { walkTree } from "#kit/jail/walk-tree.ts";
import type { Replaced } from "../files/present-entry.ts";
import type { Placed, UnpackedPlan } from "./archive-plan.ts";
import type { Manifest, Present, SiteFacts, SiteHoldings } from "./placement.ts";
import { isAsPlaced } from "./run-placement.ts";

// After so many looks whatever else the process has to do has its turn.
const looksInARow = 500;

/** Looks at everything in a site that planning a placement depends on. */
export async function surveySite(jail: Jail, plan: UnpackedPlan, before: Manifest | undefined): Promise<SiteFacts & SiteHoldings> {
  const old = new Map(before?.entries.map((entry) => [entry.path, entry]));
  const present = new Map<string, Present>();
  const taken = new Map<string, number>();
  const held = new Map<string, number>();
  const ownFolders = new Set<string>();
  for await (const { entry, stat } of looks(jail, plan.entries)) {
    const type = typeOf(stat);
    present.set(entry.path, type);
    if (stat !== undefined) taken.set(entry.path, bytesOf(stat));
    if (type === "folder" && entry.kind !== "folder" && (await isOwn(jail, entry.path, old))) ownFolders.add(entry.path);
  }
  const unchanged = new Set<string>();
  const rest = [...old.values()].filter((entry) => !present.has(entry.path));
  for await (const { entry, stat } of looks(jail, rest)) {
    if (stat === undefined) continue;
    taken.set(entry.path, bytesOf(stat));
    if (entry.kind !== "folder" && (await isUnchanged(jail, entry))) unchanged.add(entry.path);
    const count = entry.kind === "folder" ? await entriesIn(jail, entry.path) : undefined;
    if (count !== undefined) held.set(entry.path, count);
  }
  return { present, ownFolders, unchanged, taken, held };
}

/** What stands in the site at the paths of a deployment, as the quota counts it. What was moved away or deleted since makes no room for another one. */
export async function stillThere(jail: Jail, entries: readonly Placed[]): Promise<Replaced> {
  const sum = { bytes: 0, files: 0 };
  for await (const { stat } of looks(jail, entries)) {
    if (stat === undefined) continue;
    sum.bytes += bytesOf(stat);
    sum.files += 1;
  }
  return sum;
}

async function* looks<T extends { readonly path: string }>(
  jail: Jail,
  entries: readonly T[],
): AsyncGenerator<{ readonly entry: T; readonly stat: Stats | undefined }> {
  for (const [index, entry] of entries.entries()) {
    if (index % looksInARow === looksInARow - 1) await others();
    yield { entry, stat: lookAt(jail, entry.path) };
  }
}

// What a link on the way leads to stands elsewhere, and stays there.
function lookAt(jail: Jail, path: string): Stats | undefined {
  return quietly(() => {
    using place = findPlace(jail, path, { follow: false, noLinks: true });
    return place.name === null ? undefined : lstatSync(at(place.folder.fd, place.name), { throwIfNoEntry: false });
  });
}

function typeOf(stat: Stats | undefined): Present {
  if (stat === undefined) return undefined;
  return stat.isFile() ? "file" : stat.isDirectory() ? "folder" : stat.isSymbolicLink() ? "link" : "other";
}

function bytesOf(stat: Stats): number {
  return stat.isDirectory() ? 0 : takenBytes(stat);
}

// Undefined: it may not be looked into, or is none any more.
async function entriesIn(jail: Jail, path: string): Promise<number | undefined> {
  try {
    using place = findPlace(jail, path, { follow: false, noLinks: true });
    using folder = enterFolder(place.folder.fd, Buffer.from(place.name ?? ""));
    if (folder === undefined) return undefined;
    let count = 0;
    for await (const _ of entryNames(folder.fd)) count += 1;
    return count;
  } catch (error) {
    refuseUnforeseen(error, path);
    return undefined;
  }
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
