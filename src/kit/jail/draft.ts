import { constants, fchmodSync, ftruncate, lstatSync, type Stats } from "node:fs";
import { rename, unlink } from "node:fs/promises";
import { promisify } from "node:util";
import { Failure } from "#contract/failure.ts";
import { at, codeOf, type Descriptor, openAt, openRoot } from "./descriptor.ts";
import { type Bytes, lengthOf, readFully, SyncAhead, syncDescriptor, writeBytes } from "./descriptor-io.ts";
import { translated, translatedAsync } from "./fault.ts";
import { findPlace, giveAway, type Jail, syncFolders } from "./jail.ts";
import { type Keep, keepPresent } from "./keep-present.ts";
import { refuseLookAlike } from "./look-alike.ts";
import { lockKey, withLock } from "./path-lock.ts";
import { openRegular, requireFile, shown } from "./read-file.ts";
import { releaseTemporaryName, takeTemporaryName } from "./temporary-name.ts";
import type { Place } from "./walk-path.ts";

const truncateAsync = promisify(ftruncate);
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;

/** What the file must be now for a write to take place; otherwise `file_changed`. */
export interface WriteGuard {
  /** The sha256 of the content that is there, in hex. */
  readonly expect?: string | undefined;
  /** Nothing may be there. */
  readonly absent?: boolean | undefined;
}

/** How much may still be written; `take` throws when it is too much. */
export interface WriteBudget {
  /** The most that one file may have. */
  readonly fileBytes: number;
  /** Called before bytes are written that make the draft longer. */
  take(bytes: number): void;
}

/** For writes that nobody limits: the platform's own. */
export const unlimited: WriteBudget = { fileBytes: Number.MAX_SAFE_INTEGER, take: () => undefined };

/** How a draft takes its place. */
export interface CommitOptions extends WriteGuard {
  /** Absent: as the file that it replaces. */
  readonly executable?: boolean | undefined;
  /** Shown the file that this one replaces, before it does. */
  readonly keep?: Keep | undefined;
  /** Told what really goes, once nobody else of the platform can change it any more; throws when the write must not take place so. */
  readonly replacing?: ((present: Stats | undefined) => void) | undefined;
}

/** Where a draft went: `path` with every link on the way resolved. */
export interface Committed {
  readonly created: boolean;
  readonly path: readonly string[];
}

/**
 * A file being written. It stands under a hidden name in the jail's root (so a failed write leaves no folders behind, and
 * leftovers of a crash are found in one place) and appears at its path, whole and on the disk, with `commit`.
 * Anything else that ends its scope (`await using`) removes it.
 */
export class Draft implements AsyncDisposable {
  readonly #jail: Jail;
  readonly #root: Descriptor;
  readonly #file: Descriptor;
  readonly #name: string;
  readonly #budget: WriteBudget;
  readonly #busy = new Set<Promise<unknown>>();
  readonly #ahead: SyncAhead;
  #size = 0;
  #isOpen = true;

  constructor(jail: Jail, budget: WriteBudget = unlimited) {
    this.#jail = jail;
    this.#budget = budget;
    this.#root = translated("", () => openRoot(jail.root));
    this.#name = takeTemporaryName();
    try {
      this.#file = translated("", () => openAt(this.#root.fd, this.#name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW));
      this.#ahead = new SyncAhead(this.#file.fd);
      giveAway(jail, this.#file.fd, 0o600);
    } catch (error) {
      releaseTemporaryName(this.#name);
      this.#root[Symbol.dispose]();
      throw error;
    }
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** Writes at a position; a gap before it reads as zeros. */
  async write(bytes: Bytes, position: number): Promise<void> {
    const length = lengthOf(bytes);
    this.#grow(position + length);
    await this.#during(
      translatedAsync("", async () => {
        await writeBytes(this.#file.fd, bytes, position);
        this.#ahead.wrote(length);
      }),
    );
  }

  /** Up to `length` bytes from `position`; fewer at the end. */
  async read(position: number, length: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.#size - position)));
    return buffer.subarray(0, await this.#during(readFully(this.#file.fd, buffer, position)));
  }

  /** Cuts the file off, or lengthens it with zeros. */
  async truncate(size: number): Promise<void> {
    this.#grow(size);
    await this.#during(translatedAsync("", () => truncateAsync(this.#file.fd, size)));
    this.#size = size;
  }

  /** Puts the file in its place for good: on the disk when this resolves, and not changed at all when it throws. May be called once. */
  async commit(path: string, options: CommitOptions = {}): Promise<Committed> {
    if (!this.#isOpen) throw new Error("the draft has ended");
    await Promise.all(this.#busy);
    return translatedAsync(path, async () => {
      await this.#ahead.settled();
      await syncDescriptor(this.#file.fd);
      using place = findPlace(this.#jail, path, { follow: true, make: "unlike" });
      const name = nameOf(place, path);
      const created = await withLock(lockKey(place.folder.fd, name), async () => {
        const present = await checkGuard(place, path, options);
        options.replacing?.(present);
        if (present?.isFile() === true && options.keep !== undefined) await keepPresent({ folder: place.folder.fd, name, path: place.path }, options.keep);
        await this.#take(place.folder.fd, name, modeOf(present, options.executable));
        return present === undefined;
      });
      await syncDescriptor(place.folder.fd);
      if (place.hasMade) await syncFolders(this.#jail, place.path.slice(0, -1));
      return { created, path: place.path };
    });
  }

  /** Replaces whatever entry has this name in an open folder (a link itself), for callers who have locked it and sync the folder. */
  async commitTo(folder: number, name: string, mode: number): Promise<void> {
    await Promise.all(this.#busy);
    await this.#ahead.settled();
    await syncDescriptor(this.#file.fd);
    await this.#take(folder, name, mode);
  }

  async #take(folder: number, name: string, mode: number): Promise<void> {
    fchmodSync(this.#file.fd, mode);
    await rename(at(this.#root.fd, this.#name), at(folder, name));
    this.#isOpen = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A descriptor must not close under a write in flight: its number could be another file's by then.
    await Promise.allSettled(this.#busy);
    await this.#ahead.settled().catch(() => undefined);
    using _root = this.#root;
    using _file = this.#file;
    if (this.#isOpen) {
      this.#isOpen = false;
      await unlink(at(this.#root.fd, this.#name)).catch((error: unknown) => {
        if (codeOf(error) !== "ENOENT") throw error;
      });
    }
    releaseTemporaryName(this.#name);
  }

  #grow(size: number): void {
    if (!this.#isOpen) throw new Error("the draft has ended");
    if (size > this.#budget.fileBytes) throw new Failure("file_too_large", { limitBytes: this.#budget.fileBytes });
    if (size <= this.#size) return;
    this.#budget.take(size - this.#size);
    this.#size = size;
  }

  async #during<T>(work: Promise<T>): Promise<T> {
    this.#busy.add(work);
    try {
      return await work;
    } finally {
      this.#busy.delete(work);
    }
  }
}

/** Says early, before any byte is taken, what a commit to this path would refuse anyway. */
export async function checkWritable(jail: Jail, path: string, guard: WriteGuard): Promise<void> {
  await translatedAsync(path, async () => {
    try {
      using place = findPlace(jail, path, { follow: true });
      nameOf(place, path);
      await checkGuard(place, path, guard);
    } catch (error) {
      // Folders on the way are made later.
      if (codeOf(error) !== "ENOENT") throw error;
      if (guard.expect !== undefined) throw new Failure("file_changed", { path });
    }
  });
}

function nameOf(place: Place, path: string): string {
  if (place.name === null) throw new Failure("not_a_file", { path: shown(path) });
  return place.name;
}

async function checkGuard(place: Place, path: string, guard: WriteGuard): Promise<Stats | undefined> {
  const name = nameOf(place, path);
  const present = lstatSync(at(place.folder.fd, name), { throwIfNoEntry: false });
  if (present === undefined) {
    if (guard.expect !== undefined) throw new Failure("file_changed", { path });
    refuseLookAlike(place.folder.fd, name, { path });
    return undefined;
  }
  if (guard.absent === true) throw new Failure("file_changed", { path });
  // A link that appeared since the walk is replaced, not followed.
  if (present.isSymbolicLink() && guard.expect === undefined) return present;
  requireFile(present, path);
  if (guard.expect === undefined) return present;
  using file = openRegular(place.folder.fd, name, path);
  if ((await file.sha256()) !== guard.expect) throw new Failure("file_changed", { path });
  return present;
}

// Set-id and sticky bits never survive a write.
function modeOf(present: Stats | undefined, executable: boolean | undefined): number {
  const before = present?.isFile() === true ? present.mode & 0o777 : 0o644;
  if (executable === undefined) return before;
  return withExecutable(before, executable);
}

/** A mode with or without the right to execute, for everyone who may read; set-id bits are dropped. */
export function withExecutable(mode: number, executable: boolean): number {
  const plain = mode & 0o666;
  return executable ? plain | ((plain & 0o444) >> 2) | 0o100 : plain;
}
