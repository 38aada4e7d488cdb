import { chmodSync, lstatSync } from "node:fs";
import { link, rename, rmdir, unlink } from "node:fs/promises";
import { Failure } from "#contract/failure.ts";
import { at, codeOf, holdFlags, openAt, openRoot } from "./descriptor.ts";
import { syncDescriptor } from "./descriptor-io.ts";
import { withExecutable } from "./draft.ts";
import { translated, translatedAsync } from "./fault.ts";
import { findPlace, type Jail, makeFolderAt, syncFolders } from "./jail.ts";
import { type Keep, keepPresent } from "./keep-present.ts";
import { refuseLookAlike } from "./look-alike.ts";
import { openUp } from "./open-up.ts";
import { lockKey, withLock, withLocks } from "./path-lock.ts";
import { requireFile, shown } from "./read-file.ts";
import { removeTree } from "./remove-tree.ts";
import { releaseTemporaryName, takeTemporaryName } from "./temporary-name.ts";
import type { Place } from "./walk-path.ts";

/** Makes a folder and its parents; there already is success. */
export async function makeFolder(jail: Jail, path: string): Promise<void> {
  await translatedAsync(path, async () => {
    using place = findPlace(jail, path, { follow: true, make: "unlike" });
    if (place.name === null) return;
    const present = lstatSync(at(place.folder.fd, place.name), { throwIfNoEntry: false });
    if (present === undefined) refuseLookAlike(place.folder.fd, place.name, { path });
    makeFolderAt(jail, place.folder.fd, place.name);
    const made = lstatSync(at(place.folder.fd, place.name), { throwIfNoEntry: false });
    if (made?.isDirectory() !== true) throw new Failure("file_exists", { path });
    await syncFolders(jail, place.path);
  });
}

/** What was moved where, every link on the way resolved, and whether a file had to give way. */
export interface Moved {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly replaced: boolean;
}

/**
 * Moves an entry (a link itself, not what it points to). The target's folder must be there; a target that exists is refused, unless with
 * `replace` it is a file, and so is what comes.
 */
export async function movePath(
  jail: Jail,
  from: string,
  wanted: string | { readonly path: string; readonly replace?: boolean | undefined; readonly keep?: Keep | undefined },
): Promise<Moved> {
  const { path: to, replace = false, keep } = typeof wanted === "string" ? { path: wanted } : wanted;
  using source = translated(from, () => findPlace(jail, from, { follow: false }));
  using target = translated(to, () => findPlace(jail, to, { follow: false }));
  const sourceName = nameOf(source, from);
  const targetName = nameOf(target, to);
  const keys = [lockKey(source.folder.fd, sourceName), lockKey(target.folder.fd, targetName)];
  return await withLocks(keys, async () => {
    const old = at(source.folder.fd, sourceName);
    const present = translated(from, () => lstatSync(old));
    const place = at(target.folder.fd, targetName);
    const replaced = replace && present.isFile() && translated(to, () => lstatSync(place, { throwIfNoEntry: false }))?.isFile() === true;
    if (replaced) {
      if (keep !== undefined) await keepPresent({ folder: target.folder.fd, name: targetName, path: target.path }, keep);
      await translatedAsync(to, () => rename(old, place));
    } else {
      const isSameFolder = lockKey(source.folder.fd, "") === lockKey(target.folder.fd, "");
      // Writing a name in the other way is what brings such a file into order.
      translated(to, () => refuseLookAlike(target.folder.fd, targetName, { path: to, except: isSameFolder ? sourceName : undefined }));
      await translatedAsync(to, () => moveEntry({ isFolder: present.isDirectory(), from: old, to: place, path: to }));
    }
    await translatedAsync(to, () => Promise.all([syncDescriptor(target.folder.fd), syncDescriptor(source.folder.fd)]));
    return { from: source.path, to: target.path, replaced };
  });
}

// Node cannot say RENAME_NOREPLACE. A second link to a file fails when its name is taken, whoever took it a moment ago; the
// first is removed after it (a crash between leaves both). A folder cannot be linked: its target is looked at under
// the lock, and what a program in the site might still put there in that instant is spared by rename unless it is an empty folder.
async function moveEntry(move: { readonly isFolder: boolean; readonly from: string; readonly to: string; readonly path: string }): Promise<void> {
  const { isFolder, from, to, path } = move;
  if (!isFolder) {
    try {
      await link(from, to);
      await unlink(from);
      return;
    } catch (error) {
      // File systems without hard links, files with too many, rules on other people's files, and full disks, where a link needs room.
      if (!["EPERM", "EOPNOTSUPP", "ENOTSUP", "EMLINK", "ENOSYS", "ENOSPC", "EDQUOT"].includes(codeOf(error))) throw error;
    }
  }
  if (lstatSync(to, { throwIfNoEntry: false }) !== undefined) throw new Failure("file_exists", { path });
  try {
    await rename(from, to);
  } catch (error) {
    if (codeOf(error) === "EINVAL") throw new Failure("path_invalid", { path, reason: "a folder cannot be moved into itself" }, { cause: error });
    throw error;
  }
}

/** Deletes a file, link, pipe or folder. A folder with content vanishes in one step and is then taken apart out of sight. */
export async function deletePath(
  jail: Jail,
  path: string,
  options: { readonly recursive: boolean; readonly keep?: Keep | undefined },
): Promise<{ readonly path: readonly string[] }> {
  return await translatedAsync(path, async () => {
    using place = findPlace(jail, path, { follow: false });
    const name = nameOf(place, path);
    using root = openRoot(jail.root);
    const hidden = takeTemporaryName();
    try {
      const isHidden = await withLock(lockKey(place.folder.fd, name), async () => {
        const full = at(place.folder.fd, name);
        const isFolder = lstatSync(full).isDirectory();
        if (!isFolder && options.keep !== undefined) await keepPresent({ folder: place.folder.fd, name, path: place.path }, options.keep);
        if (!isFolder) await unlink(full);
        else if (options.recursive) {
          // A folder that goes elsewhere has to be written to: where permissions bind us, its owner gets the right.
          openUp(place.folder.fd, name);
          await rename(full, at(root.fd, hidden));
        } else await rmdir(full);
        await syncDescriptor(place.folder.fd);
        return isFolder && options.recursive;
      });
      if (isHidden) await removeTree(root.fd, Buffer.from(hidden));
      return { path: place.path };
    } finally {
      releaseTemporaryName(hidden);
    }
  });
}

/** Sets or clears the right to execute a file; set-id bits go in any case. */
export function setExecutable(jail: Jail, path: string, executable: boolean): void {
  translated(path, () => {
    using place = findPlace(jail, path, { follow: true });
    if (place.name === null) throw new Failure("not_a_file", { path: shown(path) });
    // Held, not opened: the mode of a file that nobody may read can be changed too.
    using file = openAt(place.folder.fd, place.name, holdFlags);
    const stat = file.stat();
    requireFile(stat, path);
    chmodSync(at(file.fd), withExecutable(stat.mode, executable));
  });
}

function nameOf(place: Place, path: string): string {
  if (place.name !== null) return place.name;
  throw new Failure("path_invalid", { path: shown(path), reason: "the site's folder itself cannot be moved or deleted" });
}
