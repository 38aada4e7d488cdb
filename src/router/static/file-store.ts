import { lstatSync, type Stats } from "node:fs";
import { LRUCache } from "lru-cache";
import { openPublicFile, type PublicFile } from "#kit/jail/public-file.ts";
import { etagOf } from "./conditions.ts";
import { contentTypeOf, isCompressible } from "./representation.ts";

/** A version of a file as visitors get it. */
export interface FileFacts {
  readonly size: number;
  readonly mtimeMs: number;
  readonly etag: string;
  readonly lastModified: string;
  readonly contentType: string;
  readonly isCompressible: boolean;
}

/** A file that was found: its bytes when they are in memory, else the open file. Close that with `using`. */
export interface FoundFile {
  readonly kind: "file";
  readonly facts: FileFacts;
  readonly bytes: Buffer | null;
  readonly file: PublicFile | null;
}
export type Found = FoundFile | { readonly kind: "folder" } | { readonly kind: "absent" };

interface Witness {
  readonly dev: number;
  readonly ino: number;
}
interface Kept extends FoundFile {
  readonly bytes: Buffer;
  /** The folders on the way, each as it was: the file is only good while every one of them is the same and no link. */
  readonly folders: readonly Witness[];
  readonly ctimeMs: number;
  readonly dev: number;
  readonly ino: number;
}

/** Larger files are streamed. */
export const mostCachedFileBytes = 256 * 1024;
/**
 * A file that was written this short a time ago can be written again within the same tick of the disk's clock and look
 * unchanged: it is served, but not kept.
 */
const settledAfterMs = 100;

/** Files below sites' `public/` folders; small ones are kept in memory and checked against the disk on every request. */
export class FileStore {
  readonly #kept: LRUCache<string, Kept> | null;

  constructor(mostBytes: number) {
    const perEntry = 1024;
    this.#kept = mostBytes === 0 ? null : new LRUCache({ maxSize: mostBytes, sizeCalculation: ({ bytes }) => bytes.length + perEntry });
  }

  get cachedBytes(): number {
    return this.#kept?.calculatedSize ?? 0;
  }

  /** Finds a file by its decoded names below `<root>/public`. */
  find(root: string, names: readonly string[]): Found {
    const path = `${root}/public/${names.join("/")}`;
    const kept = this.#kept?.get(path);
    if (kept !== undefined) {
      if (isSame(kept, root, names)) return kept;
      this.#kept?.delete(path);
    }
    const found = openPublicFile({ root, path: names });
    if (found.kind !== "file") return found;
    return { kind: "file", facts: factsOf(found.file, names.at(-1) ?? ""), bytes: null, file: found.file };
  }

  /** Whether something of this name may be there: one lookup that is cheap when nothing is. */
  mayExist(root: string, names: readonly string[]): boolean {
    return lookAt(`${root}/public/${names.join("/")}`) !== undefined;
  }

  /** Whether a found file should be read whole and offered to `keep`. */
  isWorthKeeping(found: FoundFile): boolean {
    return this.#kept !== null && found.facts.size <= mostCachedFileBytes;
  }

  /** Keeps the bytes of a file that was found, unless it was reached through a link or was written just now. */
  keep(root: string, names: readonly string[], { facts, file, bytes }: FoundFile): void {
    if (file === null || bytes === null) return;
    if (bytes.length !== file.size || Date.now() - Math.max(file.mtimeMs, file.ctimeMs) < settledAfterMs) return;
    const folders = foldersOf(root, names);
    if (folders === null) return;
    const kept = { kind: "file", facts, bytes, file: null, folders, ctimeMs: file.ctimeMs, dev: file.dev, ino: file.ino } as const;
    if (isSame(kept, root, names)) this.#kept?.set(`${root}/public/${names.join("/")}`, kept);
  }
}

// Synchronous like the jail's own walk: lookups in the kernel's cache cost two microseconds each, a round trip through
// the thread pool thirty. Nothing is read through these names, so a link that appears between two lookups changes nothing.
function isSame(kept: Kept, root: string, names: readonly string[]): boolean {
  let path = `${root}/public`;
  for (let depth = 0; depth < names.length; depth += 1) {
    const folder = kept.folders[depth];
    const stat = lookAt(path);
    if (folder === undefined || stat === undefined || stat.ino !== folder.ino || stat.dev !== folder.dev) return false;
    path = `${path}/${names[depth]}`;
  }
  const stat = lookAt(path);
  if (stat === undefined || stat.ino !== kept.ino || stat.dev !== kept.dev) return false;
  return stat.size === kept.facts.size && stat.mtimeMs === kept.facts.mtimeMs && stat.ctimeMs === kept.ctimeMs;
}

function foldersOf(root: string, names: readonly string[]): readonly Witness[] | null {
  const folders: Witness[] = [];
  let path = `${root}/public`;
  for (const name of names) {
    const stat = lookAt(path);
    if (stat === undefined || !stat.isDirectory()) return null;
    folders.push({ dev: stat.dev, ino: stat.ino });
    path = `${path}/${name}`;
  }
  return folders;
}

// Nothing when it cannot be told: a program may take the permissions of its folders at any moment, and a name or a whole path may be longer
// than the kernel takes at once.
function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function factsOf(file: PublicFile, name: string): FileFacts {
  const contentType = contentTypeOf(name);
  return {
    size: file.size,
    mtimeMs: file.mtimeMs,
    etag: etagOf(file),
    lastModified: new Date(file.mtimeMs).toUTCString(),
    contentType,
    isCompressible: isCompressible(contentType),
  };
}
