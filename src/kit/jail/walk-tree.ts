import { lstatSync, type Stats } from "node:fs";
import type { FolderEntry } from "#contract/api/files.ts";
import { maxPathDepth } from "#contract/site-path.ts";
import { at, codeOf, type Descriptor } from "./descriptor.ts";
import { translated } from "./fault.ts";
import type { Jail } from "./jail.ts";
import { enterFolder, entryNames, openFolder } from "./list-folder.ts";
import { openUp } from "./open-up.ts";
import { entryOf, type OpenFile, openRegular } from "./read-file.ts";

/** Something below a folder, as a walk comes by. */
export interface TreeEntry {
  /** From the folder where the walk began. */
  readonly path: string;
  /** False for names that are not valid UTF-8: no path reaches them. */
  readonly hasText: boolean;
  /** Bytes on the disk and other facts. */
  readonly stat: Stats;
  /** A folder at the greatest depth, into which the walk does not go. */
  readonly isTooDeep: boolean;
  describe(): FolderEntry;
  /** Opens it as a regular file; only until the walk goes on. Throws a Failure: `file_not_found` when it went away since it was met. */
  open(): OpenFile;
}

/** Where a walk does not go. Folders that may not be looked into are passed over. */
export interface WalkBounds {
  readonly maxDepth?: number;
  /** Folders of these names are met, but not entered. */
  readonly closed?: ReadonlySet<string>;
  /** With it, folders of ours without their owner's rights get them back; called for those that stay shut. */
  readonly whenShut?: () => void;
}

/** Walks everything below a folder, a folder before what is in it, following no link. Holds a descriptor a level. */
export async function* walkTree(jail: Jail, path: string, bounds: WalkBounds = {}): AsyncGenerator<TreeEntry> {
  using folder = openFolder(jail, path);
  yield* walkFolder(folder, "", { depthLeft: bounds.maxDepth ?? maxPathDepth, closed: bounds.closed ?? new Set(), whenShut: bounds.whenShut });
}

interface Going {
  readonly depthLeft: number;
  readonly closed: ReadonlySet<string>;
  readonly whenShut: (() => void) | undefined;
}

async function* walkFolder(folder: Descriptor, prefix: string, going: Going): AsyncGenerator<TreeEntry> {
  const { depthLeft, closed, whenShut } = going;
  const opensUp = (stat: Stats): boolean => whenShut !== undefined && stat.uid === process.geteuid?.();
  // Its rights may go at any moment, also while it is read.
  const shut = (): void => {
    if (opensUp(folder.stat())) whenShut?.();
  };
  for await (const bytes of readableNames(folder.fd, shut)) {
    const full = at(folder.fd, bytes);
    const stat = lookAt(full, shut);
    if (stat === undefined) continue;
    const name = bytes.toString("utf8");
    const path = `${prefix}${name}`;
    yield {
      path,
      hasText: Buffer.from(name, "utf8").equals(bytes),
      stat,
      isTooDeep: stat.isDirectory() && depthLeft <= 1,
      describe: () => entryOf(name, stat, full),
      open: () => translated(path, () => openRegular(folder.fd, bytes, path)),
    };
    if (!stat.isDirectory() || depthLeft <= 1 || closed.has(name)) continue;
    if (opensUp(stat)) openUp(folder.fd, bytes);
    // Only what the system refuses is shut: a link that stood there in that moment may be a folder again when it is looked at.
    using child = enterFolder(folder.fd, bytes, opensUp(stat) ? whenShut : undefined);
    if (child !== undefined) yield* walkFolder(child, `${path}/`, { ...going, depthLeft: depthLeft - 1 });
  }
}

async function* readableNames(folder: number, shut: () => void): AsyncGenerator<Buffer> {
  try {
    yield* entryNames(folder);
  } catch (error) {
    if (codeOf(error) !== "EACCES") throw error;
    shut();
  }
}

// Undefined when it is gone, or when its folder may be read but not entered.
function lookAt(full: string | Buffer, shut: () => void): Stats | undefined {
  try {
    return lstatSync(full, { throwIfNoEntry: false });
  } catch (error) {
    if (codeOf(error) !== "EACCES") throw error;
    shut();
    return undefined;
  }
}
