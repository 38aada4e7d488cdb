// Safe file access below one root folder, on Linux. Whoever runs inside the folder may do there what he likes at any
// moment (swap folders for links, plant pipes); nothing here leaves the root, waits or follows him.
// The pieces: descriptor.ts (openat in Node), walk-path.ts (where a path leads), public-file.ts (the router's read side),
// draft.ts (atomic writes), and a file for each thing that can be done.
import { fchmodSync, fchownSync, fstatSync, mkdirSync } from "node:fs";
import { parseSitePath } from "#contract/site-path.ts";
import { at, codeOf, folderFlags, openAt, openRoot } from "./descriptor.ts";
import { syncDescriptor } from "./descriptor-io.ts";
import { refuseLookAlike } from "./look-alike.ts";
import { type Place, walkPath } from "./walk-path.ts";

/** Who files belong to; set by descriptor when the platform runs as root. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

/** A root folder and whose files it holds; `owner` is null where the platform cannot or need not give files away. */
export interface Jail {
  /** Absolute; its parents belong to the platform alone. */
  readonly root: string;
  readonly owner: FileOwner | null;
}

/** Gives an open file or folder that this process has just made its mode, whatever the umask, and to the jail's owner. */
export function giveAway(jail: Jail, fd: number, mode: number): void {
  // Somebody may have swapped what was made for something else: only what still belongs to us is touched.
  if (fstatSync(fd).uid !== process.geteuid?.()) return;
  fchmodSync(fd, mode);
  if (jail.owner !== null) fchownSync(fd, jail.owner.uid, jail.owner.gid);
}

/** How a path is resolved. */
interface FindOptions {
  readonly follow: boolean;
  /** Folders on the way that are missing are made; `unlike`: but none that looks just like another one. */
  readonly make?: boolean | "unlike";
  readonly noLinks?: boolean;
}

/** Resolves a path as people write it. */
export function findPlace(jail: Jail, path: string, options: FindOptions): Place {
  const makeOne = (folder: number, name: string): void => {
    if (options.make === "unlike") refuseLookAlike(folder, name, { path });
    makeFolderAt(jail, folder, name);
  };
  const make = options.make === true || options.make === "unlike" ? makeOne : undefined;
  return walkPath(jail.root, parseSitePath(path), { follow: options.follow, noLinks: options.noLinks === true, ...(make === undefined ? {} : { make }) });
}

/** Makes one folder; there already is success. */
export function makeFolderAt(jail: Jail, folder: number, name: string): void {
  try {
    mkdirSync(at(folder, name), 0o700);
  } catch (error) {
    if (codeOf(error) === "EEXIST") return;
    throw error;
  }
  using made = openAt(folder, name, folderFlags);
  giveAway(jail, made.fd, 0o755);
}

/** Writes the folders of a real path (from the root on) to the disk, so that what was made in them survives a power cut. */
export async function syncFolders(jail: Jail, path: readonly string[]): Promise<void> {
  let folder = openRoot(jail.root);
  for (const name of [...path, null]) {
    using current = folder;
    await syncDescriptor(current.fd);
    if (name === null) return;
    try {
      folder = openAt(current.fd, name, folderFlags);
    } catch {
      // Moved or deleted since by somebody else, who then owes the sync.
      return;
    }
  }
}
