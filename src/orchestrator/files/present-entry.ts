import { lstatSync, type Stats } from "node:fs";
import { Failure } from "#contract/failure.ts";
import { at } from "#kit/jail/descriptor.ts";
import { translated } from "#kit/jail/fault.ts";
import { findPlace, type Jail } from "#kit/jail/jail.ts";
import { statPath } from "#kit/jail/read-file.ts";
import { takenBytes } from "#kit/jail/taken-bytes.ts";
import { walkTree } from "#kit/jail/walk-tree.ts";

/** What a write replaces, as the quota counts it. */
export interface Replaced {
  readonly bytes: number;
  readonly files: number;
}

/** What a write to a path will replace, so that writing the same file again does not fill the site. */
export function presentFile(jail: Jail, path: string): Replaced {
  return quietly(
    () => {
      using place = findPlace(jail, path, { follow: false });
      return replacedBy(place.name === null ? undefined : lstatSync(at(place.folder.fd, place.name), { throwIfNoEntry: false }));
    },
    { bytes: 0, files: 0 },
  );
}

/** The same of an entry that is known. */
export function replacedBy(stat: Stats | undefined): Replaced {
  return stat?.isFile() === true ? { bytes: takenBytes(stat), files: 1 } : { bytes: 0, files: 0 };
}

/** The file itself and the folders that would be made for it. */
export function newEntries(jail: Jail, path: string): number {
  const parts = path.split("/");
  let count = 1;
  while (parts.pop() !== undefined && parts.length > 0 && quietStat(jail, parts.join("/")) === undefined) count += 1;
  return count;
}

/** How much a copy of this will take; nothing where nothing is. */
export async function sizeOf(jail: Jail, path: string): Promise<{ readonly bytes: number; readonly entries: number }> {
  const entry = quietStat(jail, path);
  if (entry === undefined || entry.type !== "folder") return { bytes: entry?.type === "file" ? entry.size : 0, entries: 1 };
  let bytes = 0;
  let entries = 1;
  for await (const below of walkTree(jail, path)) {
    entries += 1;
    if (below.stat.isFile()) bytes += below.stat.size;
  }
  return { bytes, entries };
}

function quietStat(jail: Jail, path: string): ReturnType<typeof statPath> {
  return quietly(() => statPath(jail, path), undefined);
}

// Whatever is wrong with the path, the operation itself says it better.
function quietly<T>(look: () => T, otherwise: T): T {
  try {
    return translated("", look);
  } catch (error) {
    if (error instanceof Failure) return otherwise;
    throw error;
  }
}
