import { lstatSync } from "node:fs";
import { opendir } from "node:fs/promises";
import type { FolderEntry } from "#contract/api/files.ts";
import { Failure } from "#contract/failure.ts";
import { at, codeOf, Descriptor, folderFlags, openAt } from "./descriptor.ts";
import { translated, translatedAsync } from "./fault.ts";
import { findPlace, type Jail } from "./jail.ts";
import { entryOf, shown } from "./read-file.ts";
import { isReservedName } from "./temporary-name.ts";

// As many entries of one folder as are listed; the rest of a larger one is reachable by path only.
const maxListedEntries = 20_000;

/** Opens a folder, following links inside the jail. */
export function openFolder(jail: Jail, path: string): Descriptor {
  return translated(path, () => {
    using place = findPlace(jail, path, { follow: true });
    if (place.name === null) return new Descriptor(place.folder.release());
    const folder = openAt(place.folder.fd, place.name);
    if (folder.stat().isDirectory()) return folder;
    folder[Symbol.dispose]();
    throw new Failure("not_a_folder", { path: shown(path) });
  });
}

/** A folder's entries, folders first, then by name; the platform's own temporary files are left out. */
export async function listFolder(jail: Jail, path: string): Promise<{ readonly entries: readonly FolderEntry[]; readonly isComplete: boolean }> {
  using folder = openFolder(jail, path);
  const entries: FolderEntry[] = [];
  // Awaited here: the folder closes when this function returns.
  return await translatedAsync(path, async () => {
    for await (const bytes of entryNames(folder.fd)) {
      const name = bytes.toString("utf8");
      if (isReservedName(name)) continue;
      if (entries.length === maxListedEntries) return { entries: sorted(entries), isComplete: false };
      const full = at(folder.fd, bytes);
      const stat = lstatSync(full, { throwIfNoEntry: false });
      if (stat !== undefined) entries.push(entryOf(name, stat, full));
    }
    return { entries: sorted(entries), isComplete: true };
  });
}

/** The names of an open folder's entries, as bytes: not every name on a disk is valid UTF-8. Reads in portions, whatever the folder's size. */
export async function* entryNames(folder: number): AsyncGenerator<Buffer> {
  // Latin-1 maps every byte to one character and back.
  const portions = await opendir(at(folder), { encoding: "latin1", bufferSize: 256 });
  try {
    for (let entry = await portions.read(); entry !== null; entry = await portions.read()) yield Buffer.from(entry.name, "latin1");
  } finally {
    await portions.close();
  }
}

/** Opens a sub folder without following a link; undefined when it is gone or something else by now, or shut, which is told. */
export function enterFolder(folder: number, name: Buffer, whenShut?: () => void): Descriptor | undefined {
  try {
    return openAt(folder, name, folderFlags);
  } catch (error) {
    if (codeOf(error) === "EACCES") whenShut?.();
    if (["ENOENT", "ENOTDIR", "ELOOP", "EACCES"].includes(codeOf(error))) return undefined;
    throw error;
  }
}

const byName = new Intl.Collator("en", { numeric: true });
function sorted(entries: readonly FolderEntry[]): readonly FolderEntry[] {
  const rank = (entry: FolderEntry): number => (entry.type === "folder" ? 0 : 1);
  return entries.toSorted((a, b) => rank(a) - rank(b) || byName.compare(a.name, b.name));
}
