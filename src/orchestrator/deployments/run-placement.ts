import { createReadStream, lstatSync, readlinkSync } from "node:fs";
import { rename, rmdir, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";
import { Failure, type FailureCode } from "#contract/failure.ts";
import { movePath } from "#kit/jail/change-path.ts";
import { at, codeOf, folderFlags, openAt, openRoot } from "#kit/jail/descriptor.ts";
import { syncDescriptor } from "#kit/jail/descriptor-io.ts";
import { Draft } from "#kit/jail/draft.ts";
import { faultOf, translatedAsync } from "#kit/jail/fault.ts";
import { findPlace, type Jail, makeFolderAt } from "#kit/jail/jail.ts";
import { type Keep, keepPresent } from "#kit/jail/keep-present.ts";
import { enterFolder } from "#kit/jail/list-folder.ts";
import { openRootUp, openUp } from "#kit/jail/open-up.ts";
import { lockKey, withLock } from "#kit/jail/path-lock.ts";
import { openRegular, statPath } from "#kit/jail/read-file.ts";
import { releaseTemporaryName, takeTemporaryName } from "#kit/jail/temporary-name.ts";
import type { Place } from "#kit/jail/walk-path.ts";
import type { Placed, PlannedEntry } from "./archive-plan.ts";
import { deepestFirst, type Journal } from "./placement.ts";

/** Where a journal is carried out. */
export interface PlacementScene {
  readonly jail: Jail;
  /** Where the unpacked files wait under their numbers. */
  readonly staging: string;
  /** Told before every step; tests end the process in it. */
  readonly checkpoint: (step: string) => void;
  /** Shown the files that go or become others. */
  readonly keep?: Keep | undefined;
}

// What keeps something of an earlier deployment from being removed, and nothing worse.
const spared: ReadonlySet<string> = new Set<FailureCode>([
  ...(["file_not_found", "not_a_folder", "not_a_file", "file_exists", "folder_not_empty"] as const),
  ...(["file_forbidden", "file_special", "path_outside_site"] as const),
]);

// A program in the site may put something in the way again and again; the journal stays, and the next try goes on.
const tries = 3;

/**
 * Carries a journal out, from wherever an earlier try left off: every step is done already or can be done. A staged file
 * that is not there any more has been placed; what a program put in the way since is moved aside, never deleted.
 */
export async function runPlacement(scene: PlacementScene, todo: Journal): Promise<void> {
  const folders = new Set<string>();
  for (const entry of deepestFirst(todo.clear)) {
    scene.checkpoint(`clear ${entry.path}`);
    openTheWay(scene.jail, entry.path);
    await removeEntry(scene, entry, "whatever it is");
  }
  for (const entry of todo.entries) {
    scene.checkpoint(`place ${entry.path}`);
    await placeEntry(scene, entry);
    folders.add(parentOf(entry.path));
  }
  scene.checkpoint("sync");
  for (const folder of folders) await syncFolder(scene.jail, folder);
  for (const entry of deepestFirst(todo.remove)) {
    scene.checkpoint(`remove ${entry.path}`);
    await removeEntry(scene, entry, "as it was placed");
  }
}

async function placeEntry(scene: PlacementScene, entry: PlannedEntry): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await translatedAsync(entry.path, () => placeOnce(scene, entry));
    } catch (error) {
      const isInTheWay = error instanceof Failure && ["not_a_folder", "not_a_file", "file_exists", "folder_not_empty"].includes(error.code);
      const isShut = error instanceof Failure && error.code === "file_forbidden";
      if (!(isInTheWay || isShut) || attempt === tries) throw error;
      if (isShut) openTheWay(scene.jail, entry.path);
      else await clearTheWay(scene.jail, entry);
    }
  }
}

async function placeOnce(scene: PlacementScene, entry: PlannedEntry): Promise<void> {
  using place = findPlace(scene.jail, entry.path, { follow: false, make: true, noLinks: true });
  const { name } = place;
  if (name === null) throw new Error("a deployment cannot place the site's folder");
  const full = at(place.folder.fd, name);
  await withLock(lockKey(place.folder.fd, name), async () => {
    if (entry.kind === "folder") {
      makeFolderAt(scene.jail, place.folder.fd, name);
      if (!lstatSync(full).isDirectory()) throw new Failure("not_a_folder", { path: entry.path });
    } else if (entry.kind === "file") await placeFile(scene, entry, place);
    else await placeLink(scene.jail, entry, place);
  });
}

type PlannedFile = Extract<PlannedEntry, { kind: "file" }>;

async function placeFile(scene: PlacementScene, entry: PlannedFile, place: Place): Promise<void> {
  const staged = join(scene.staging, String(entry.staged));
  // In the first look and not in the rename's error: a missing target folder would sound the same.
  if (lstatSync(staged, { throwIfNoEntry: false }) === undefined) return;
  await keepChanged(scene, entry, place);
  try {
    await rename(staged, at(place.folder.fd, place.name ?? ""));
  } catch (error) {
    if (codeOf(error) !== "EXDEV") throw error;
    // The state folder is on another disk: copied beside first, so that the file still appears whole.
    await placeByCopy(scene.jail, entry, { staged, place });
  }
}

// Most files of most deployments are what they were: those are not kept.
async function keepChanged({ keep }: PlacementScene, entry: PlannedFile, place: Place): Promise<void> {
  if (keep === undefined) return;
  const keepOther: Keep = async (path, file) => {
    if (file.size !== entry.size || (await file.sha256()) !== entry.sha256) await keep(path, file);
  };
  await keepPresent({ folder: place.folder.fd, name: place.name ?? "", path: place.path }, keepOther);
}

async function placeByCopy(jail: Jail, entry: PlannedFile, move: { readonly staged: string; readonly place: Place }): Promise<void> {
  await using draft = new Draft(jail);
  for await (const chunk of createReadStream(move.staged)) {
    if (chunk instanceof Uint8Array) await draft.write(chunk, draft.size);
  }
  await draft.commitTo(move.place.folder.fd, move.place.name ?? "", entry.executable ? 0o755 : 0o644);
  await unlink(move.staged);
}

async function placeLink(jail: Jail, entry: Extract<PlannedEntry, { kind: "link" }>, place: Place): Promise<void> {
  const full = at(place.folder.fd, place.name ?? "");
  const present = lstatSync(full, { throwIfNoEntry: false });
  if (present?.isSymbolicLink() === true && targetOf(full) === entry.target) return;
  using root = openRoot(jail.root);
  const draft = takeTemporaryName();
  try {
    await symlink(entry.target, at(root.fd, draft));
    await rename(at(root.fd, draft), full).catch(async (error: unknown) => {
      await unlink(at(root.fd, draft));
      throw error;
    });
  } finally {
    releaseTemporaryName(draft);
  }
}

// Moves whatever stands where a folder or file has to go to a name beside it.
async function clearTheWay(jail: Jail, entry: PlannedEntry): Promise<void> {
  const parts = entry.path.split("/");
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const path = parts.slice(0, depth).join("/");
    const present = statPath(jail, path)?.type;
    if (present === undefined) return;
    const needsFolder = depth < parts.length || entry.kind === "folder";
    if ((present === "folder") !== needsFolder) await movePath(jail, path, `${path}.before-deployment-${Date.now()}`);
  }
}

// Gives the owner's rights in every folder on the way back to him: a program of the platform's own user may have taken them.
function openTheWay(jail: Jail, path: string): void {
  let folder = openRootUp(jail.root);
  for (const name of path.split("/").slice(0, -1)) {
    using current = folder;
    openUp(current.fd, name);
    const next = enterFolder(current.fd, Buffer.from(name));
    if (next === undefined) return;
    folder = next;
  }
  folder[Symbol.dispose]();
}

/** Removes what a deployment placed: `as it was placed` spares what was changed since, and folders that hold anything. */
async function removeEntry(scene: PlacementScene, entry: Placed, condition: "as it was placed" | "whatever it is"): Promise<void> {
  try {
    using place = findPlace(scene.jail, entry.path, { follow: false, noLinks: true });
    const { name } = place;
    if (name === null) return;
    const keep = entry.kind === "file" ? scene.keep : undefined;
    await withLock(lockKey(place.folder.fd, name), async () => {
      const full = at(place.folder.fd, name);
      if (entry.kind === "folder") await rmdir(full);
      else if (condition === "whatever it is" || (await isAsPlaced(place, entry))) {
        if (keep !== undefined) await keepPresent({ folder: place.folder.fd, name, path: place.path }, keep);
        await unlink(full);
      }
      await syncDescriptor(place.folder.fd);
    });
  } catch (error) {
    // Gone, not empty, shut, or something else by now: not ours to remove.
    const fault = faultOf(error, entry.path);
    if (!(fault instanceof Failure && spared.has(fault.code)) && codeOf(error) !== "EBUSY") throw error;
  }
}

/** Whether a file or link is still what a deployment placed. */
export async function isAsPlaced(place: Place, entry: Placed): Promise<boolean> {
  const name = place.name ?? "";
  const stat = lstatSync(at(place.folder.fd, name));
  if (entry.kind === "link") return stat.isSymbolicLink() && targetOf(at(place.folder.fd, name)) === entry.target;
  if (entry.kind !== "file" || !stat.isFile() || stat.size !== entry.size) return false;
  using file = openRegular(place.folder.fd, name, entry.path);
  return (await file.sha256()) === entry.sha256;
}

function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch (error) {
    if (codeOf(error) === "EINVAL" || codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function syncFolder(jail: Jail, path: string): Promise<void> {
  try {
    using place = findPlace(jail, path, { follow: false, noLinks: true });
    using folder = place.name === null ? undefined : openAt(place.folder.fd, place.name, folderFlags);
    await syncDescriptor(folder?.fd ?? place.folder.fd);
  } catch (error) {
    // Moved or shut since by somebody else, who then owes the sync.
    const code = error instanceof Failure ? error.code : codeOf(error);
    if (!["ENOENT", "ENOTDIR", "ELOOP", "EACCES", "not_a_folder"].includes(code)) throw error;
  }
}

function parentOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
}
