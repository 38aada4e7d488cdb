import { closeSync, constants, fstatSync, openSync, type Stats } from "node:fs";

// The flag exists on every Linux; Node does not name it.
const pathOnly = 0o10000000;
const { O_DIRECTORY, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** One entry's name as text, or as bytes where it may not be valid UTF-8. */
export type EntryName = string | Buffer;

/** Opens for reading what is there, following no link and waiting for nothing (a pipe without a writer would block a thread). */
export const readFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
/** Opens a folder, following no link. */
export const folderFlags = readFlags | O_DIRECTORY;
/** Takes hold of an entry without opening it: no permission on it is needed, and no device notices. */
export const holdFlags = pathOnly | O_NOFOLLOW;

/** An open file descriptor that closes with its scope (`using`). */
export class Descriptor implements Disposable {
  readonly fd: number;
  #isOpen = true;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** What is open. */
  stat(): Stats {
    return fstatSync(this.fd);
  }

  /** Gives the descriptor to somebody who closes it. */
  release(): number {
    if (!this.#isOpen) throw new Error("the descriptor is closed");
    this.#isOpen = false;
    return this.fd;
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.fd);
  }
}

/** The path of an open file or folder, or of an entry directly inside that folder: the way `openat` is spelled in Node. */
export function at(folder: number, name?: string): string;
export function at(folder: number, name?: EntryName): string | Buffer;
export function at(folder: number, name?: EntryName): string | Buffer {
  if (name === undefined) return `/proc/self/fd/${folder}`;
  const path = `/proc/self/fd/${folder}/${typeof name === "string" ? name : ""}`;
  return typeof name === "string" ? path : Buffer.concat([Buffer.from(path), name]);
}

/** Opens an entry of an open folder. */
export function openAt(folder: number, name: EntryName, flags: number = readFlags): Descriptor {
  return new Descriptor(openSync(at(folder, name), flags));
}

/** Opens a folder whose parents belong to the platform: a site's root. */
export function openRoot(root: string): Descriptor {
  return new Descriptor(openSync(root, folderFlags));
}

/** The code of a system error: `ENOENT`; "" for anything else. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
