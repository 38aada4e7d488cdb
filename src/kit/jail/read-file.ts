import { lstatSync, readlinkSync, readSync, type Stats } from "node:fs";
import type { Readable, Writable } from "node:stream";
import type { FolderEntry } from "#contract/api/files.ts";
import { Failure } from "#contract/failure.ts";
import { at, codeOf, type Descriptor, openAt } from "./descriptor.ts";
import { digestOf, readFully } from "./descriptor-io.ts";
import { translated, translatedAsync } from "./fault.ts";
import { pourFileRange, streamFileRange } from "./file-range.ts";
import { findPlace, type Jail } from "./jail.ts";

// Who swaps an entry between two looks gets this many tries before the path counts as one that leads out.
const tries = 3;

/** An open regular file. Close it with `using`. */
export class OpenFile implements Disposable {
  readonly #file: Descriptor;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
  readonly isExecutable: boolean;

  constructor(file: Descriptor, stat: Stats) {
    this.#file = file;
    this.size = stat.size;
    this.modifiedMs = stat.mtimeMs;
    this.isExecutable = (stat.mode & 0o100) !== 0;
  }

  /** The sha256 of the content, in hex. */
  sha256(): Promise<string> {
    return digestOf(this.#file.fd);
  }

  /** Up to `length` bytes from `position`; fewer at the end of the file. */
  async read(position: number, length: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.size - position)));
    return buffer.subarray(0, await readFully(this.#file.fd, buffer, position));
  }

  /** What it begins with, at once: to hand so few bytes to another thread costs more than to read them. */
  head(length: number): Uint8Array {
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.size)));
    return buffer.subarray(0, readSync(this.#file.fd, buffer, 0, buffer.length, 0));
  }

  /** The bytes from `start` up to, not including, `end`. The stream owns the file from now on and closes it. */
  stream(start: number, end: number): Readable {
    return streamFileRange({ fd: this.#file.release(), start, end });
  }

  /** Gives away what writes them to a connection, which has to be called and closes the file in the end. */
  pour(start: number, end: number): (out: Writable) => Promise<void> {
    const fd = this.#file.release();
    return (out) => pourFileRange({ fd, start, end }, out);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

/** Opens a regular file for reading, following links inside the jail. */
export function openFile(jail: Jail, path: string): OpenFile {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return translated(path, () => {
        using place = findPlace(jail, path, { follow: true });
        if (place.name === null) throw new Failure("not_a_file", { path: shown(path) });
        return openRegular(place.folder.fd, place.name, path);
      });
    } catch (error) {
      const cause = error instanceof Failure ? error.cause : undefined;
      if (codeOf(cause) !== "ELOOP" || attempt === tries) throw error;
    }
  }
}

/** Opens a regular file of an open folder; anything else is refused without waiting for it. */
export function openRegular(folder: number, name: string | Buffer, path: string): OpenFile {
  const file = openAt(folder, name);
  try {
    const stat = file.stat();
    requireFile(stat, path);
    return new OpenFile(file, stat);
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

/** Reads a small file whole. */
export async function readWhole(jail: Jail, path: string, maxBytes: number): Promise<Uint8Array> {
  using file = openFile(jail, path);
  if (file.size > maxBytes) throw new Failure("file_too_large", { limitBytes: maxBytes });
  return await translatedAsync(path, () => file.read(0, file.size));
}

/** What is at a path; undefined when nothing is. A link at its end is followed only when asked. */
export function statPath(jail: Jail, path: string, options: { readonly follow: boolean } = { follow: false }): FolderEntry | undefined {
  return translated(path, () => {
    using place = findPlace(jail, path, options);
    if (place.name === null) return entryOf("", place.folder.stat(), "");
    const full = at(place.folder.fd, place.name);
    const stat = lstatSync(full, { throwIfNoEntry: false });
    return stat === undefined ? undefined : entryOf(place.name, stat, full);
  });
}

/** An entry as it is listed; `full` is where a link's target is read from. */
export function entryOf(name: string, stat: Stats, full: string | Buffer): FolderEntry {
  const type = stat.isFile() ? "file" : stat.isDirectory() ? "folder" : stat.isSymbolicLink() ? "link" : "other";
  return {
    name,
    type,
    size: type === "folder" ? 0 : stat.size,
    modifiedAt: new Date(stat.mtimeMs).toISOString(),
    executable: type === "file" && (stat.mode & 0o100) !== 0,
    ...(type === "link" ? { target: readTarget(full) } : {}),
  };
}

/** Refuses what is not a regular file. */
export function requireFile(stat: Stats, path: string): void {
  if (stat.isFile()) return;
  throw new Failure(stat.isDirectory() || stat.isSymbolicLink() ? "not_a_file" : "file_special", { path: shown(path) });
}

/** A path for people: the root has a name too. */
export function shown(path: string): string {
  return path === "" ? "the site's folder" : path;
}

function readTarget(full: string | Buffer): string {
  try {
    return readlinkSync(full, "utf8");
  } catch (error) {
    // Swapped, deleted or shut away since it was listed.
    if (["EINVAL", "ENOENT", "EACCES"].includes(codeOf(error))) return "";
    throw error;
  }
}
