import { constants, utimesSync } from "node:fs";
import { Failure } from "#contract/failure.ts";
import { at, codeOf, type Descriptor, holdFlags, openAt } from "./descriptor.ts";
import { type Bytes, lengthOf, SyncAhead, syncDescriptor, writeBytes } from "./descriptor-io.ts";
import type { WriteBudget } from "./draft.ts";
import { translated, translatedAsync } from "./fault.ts";
import { findPlace, giveAway, type Jail } from "./jail.ts";
import { type Keep, keepPresent } from "./keep-present.ts";
import { refuseLookAlike } from "./look-alike.ts";
import { requireFile, shown } from "./read-file.ts";
import { takenBytes } from "./taken-bytes.ts";

const { O_CREAT, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
const writeFlags = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

/** Bytes that go into a file in place. */
export interface PatchRequest {
  readonly source: AsyncIterable<Bytes> | Iterable<Bytes>;
  /** Where they begin; absent: at the file's end. */
  readonly offset?: number | undefined;
  /** The file must not exist yet. */
  readonly absent?: boolean | undefined;
  readonly budget: WriteBudget;
  /** Shown a file that has content already, before any of it changes. */
  readonly keep?: Keep | undefined;
}

/** A file written in place: `path` with every link on the way resolved. */
export interface Patched {
  readonly created: boolean;
  readonly size: number;
  readonly path: readonly string[];
}

/**
 * Writes into a file in place, so that an upload that was cut off can be seen and resumed: what arrived stays, on the disk, also when
 * the source fails. A missing file is made unless the offset lies beyond its start; its folder must be there.
 */
export async function patchFile(jail: Jail, path: string, request: PatchRequest): Promise<Patched> {
  return translatedAsync(path, async () => {
    using place = findPlace(jail, path, { follow: true });
    if (place.name === null) throw new Failure("not_a_file", { path: shown(path) });
    const opened = open(jail, { folder: place.folder.fd, name: place.name, path }, request);
    using file = opened.file;
    const stat = file.stat();
    requireFile(stat, path);
    let { size } = stat;
    let position = request.offset ?? size;
    // A gap would read as zeros that nobody sent.
    if (position > size) throw new Failure("range_not_satisfiable");
    if (size > 0 && request.keep !== undefined) await keepPresent({ folder: place.folder.fd, name: place.name, path: place.path }, request.keep);
    const ahead = new SyncAhead(file.fd);
    try {
      for await (const bytes of request.source) {
        const length = lengthOf(bytes);
        const end = position + length;
        if (end > request.budget.fileBytes) throw new Failure("file_too_large", { limitBytes: request.budget.fileBytes });
        const more = growth(file, position, end);
        if (more > 0) request.budget.take(more);
        await writeBytes(file.fd, bytes, position);
        ahead.wrote(length);
        position = end;
        size = Math.max(size, end);
      }
    } finally {
      await ahead.settled();
      await Promise.all([syncDescriptor(file.fd), opened.created ? syncDescriptor(place.folder.fd) : undefined]);
    }
    return { created: opened.created, size, path: place.path };
  });
}

// What bytes from here to there make the file take more, at most: those behind its end, and those that may lie in its holes. Asked anew each time,
// since a program may dig holes meanwhile.
function growth(file: Descriptor, start: number, end: number): number {
  const stat = file.stat();
  const within = Math.max(0, Math.min(end, stat.size) - start);
  return Math.max(0, end - Math.max(start, stat.size)) + Math.min(within, stat.size - takenBytes(stat));
}

/** Sets the time of the last change of what a path leads to. */
export function setModified(jail: Jail, path: string, modified: Date): void {
  translated(path, () => {
    using place = findPlace(jail, path, { follow: true });
    if (place.name === null) {
      utimesSync(at(place.folder.fd), modified, modified);
      return;
    }
    // Held, not opened: neither a pipe nor a device notices.
    using entry = openAt(place.folder.fd, place.name, holdFlags);
    const stat = entry.stat();
    if (!stat.isDirectory()) requireFile(stat, path);
    utimesSync(at(entry.fd), modified, modified);
  });
}

function open(
  jail: Jail,
  entry: { readonly folder: number; readonly name: string; readonly path: string },
  request: PatchRequest,
): { readonly file: Descriptor; readonly created: boolean } {
  if (request.absent !== true) {
    try {
      return { file: openAt(entry.folder, entry.name, writeFlags), created: false };
    } catch (error) {
      if (codeOf(error) !== "ENOENT" || (request.offset ?? 0) > 0) throw error;
    }
  }
  refuseLookAlike(entry.folder, entry.name, { path: entry.path });
  try {
    const file = openAt(entry.folder, entry.name, writeFlags | O_CREAT | O_EXCL);
    giveAway(jail, file.fd, 0o644);
    return { file, created: true };
  } catch (error) {
    if (codeOf(error) === "EEXIST") throw new Failure("file_changed", { path: entry.path }, { cause: error });
    throw error;
  }
}
