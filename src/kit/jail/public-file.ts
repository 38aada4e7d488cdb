// The read side of the jail for the public server (the router): one call per request, no promise, no thread pool.
//
//   const found = openPublicFile({ root: siteFolder, path: ["css", "site.css"] });      // looks below <root>/public
//   if (found.kind === "file") { using file = found.file; … file.size, file.mtimeMs …; reply.send(file.stream(0, file.size)); }
//
// The walk is synchronous on purpose: a handful of lookups in the kernel's cache cost some microseconds together, a tenth
// of what as many round trips through Node's thread pool cost, and nothing in it can wait (no link is followed by the
// kernel, pipes are opened without blocking and then refused). The bytes are read asynchronously.
import type { Readable } from "node:stream";
import { Failure } from "#contract/failure.ts";
import { codeOf, type Descriptor, openAt, readFlags } from "./descriptor.ts";
import { streamFileRange } from "./file-range.ts";
import { walkPath } from "./walk-path.ts";

/** An open regular file. Close it with `using`. */
export interface PublicFile extends Disposable {
  readonly fd: number;
  readonly size: number;
  /** Milliseconds since 1970, with the fraction that the disk keeps. */
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly dev: number;
  readonly ino: number;
  /** The bytes from `start` up to, not including, `end`. The stream owns the file from now on and closes it; `using` then does nothing. */
  stream(start: number, end: number): Readable;
}

/** `absent` is everything that a visitor may not have: missing, a link out of the folder, a pipe, no permission. */
export type PublicLookup = { readonly kind: "file"; readonly file: PublicFile } | { readonly kind: "folder" } | { readonly kind: "absent" };

/** Where to look: `path` holds decoded names below `<root>/<within>`; [] is that folder itself. Links are followed inside it only. */
export interface PublicPath {
  readonly root: string;
  readonly path: readonly string[];
  readonly within?: readonly string[];
}

const publicFolder = ["public"];
const absent = { kind: "absent" } as const;
const notThere = new Set(["ENOENT", "ENOTDIR", "ELOOP", "ENXIO", "ENODEV", "EACCES", "EPERM", "ENAMETOOLONG", "EINVAL"]);

/** Opens a file that visitors may read. Synchronous; never waits and never leaves the folder. Throws only for trouble of the machine (no descriptors left). */
export function openPublicFile(wanted: PublicPath): PublicLookup {
  const within = wanted.within ?? publicFolder;
  try {
    using place = walkPath(wanted.root, [...within, ...wanted.path], { follow: true, within });
    if (place.name === null) return { kind: "folder" };
    return lookAt(openAt(place.folder.fd, place.name, readFlags));
  } catch (error) {
    if (error instanceof Failure || notThere.has(codeOf(error))) return absent;
    throw error;
  }
}

function lookAt(file: Descriptor): PublicLookup {
  const stat = file.stat();
  if (stat.isFile()) {
    const { size, mtimeMs, ctimeMs, dev, ino } = stat;
    const stream = (start: number, end: number): Readable => streamFileRange({ fd: file.release(), start, end });
    return { kind: "file", file: { fd: file.fd, size, mtimeMs, ctimeMs, dev, ino, stream, [Symbol.dispose]: () => file[Symbol.dispose]() } };
  }
  file[Symbol.dispose]();
  return stat.isDirectory() ? { kind: "folder" } : absent;
}
