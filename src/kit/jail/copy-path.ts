import { constants, lstatSync, mkdirSync, readlinkSync, type Stats, symlinkSync } from "node:fs";
import { rename } from "node:fs/promises";
import { Failure } from "#contract/failure.ts";
import { maxPathDepth } from "#contract/site-path.ts";
import { at, codeOf, type Descriptor, type EntryName, folderFlags, openAt, openRoot } from "./descriptor.ts";
import { syncDescriptor, writeFully } from "./descriptor-io.ts";
import { Draft, type WriteBudget } from "./draft.ts";
import { translated, translatedAsync } from "./fault.ts";
import { findPlace, giveAway, type Jail } from "./jail.ts";
import { enterFolder, entryNames } from "./list-folder.ts";
import { refuseLookAlike } from "./look-alike.ts";
import { lockKey, withLock } from "./path-lock.ts";
import { type OpenFile, openRegular, shown } from "./read-file.ts";
import { removeTree } from "./remove-tree.ts";
import { isReservedName, releaseTemporaryName, takeTemporaryName } from "./temporary-name.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
const chunkBytes = 1024 * 1024;

/** What a copy may take. */
export interface CopyBudget extends WriteBudget {
  /** Files, links and folders together. */
  readonly entries: number;
}

/** What was copied, and where it really stands now. */
export interface Copied {
  readonly files: number;
  readonly bytes: number;
  readonly path: readonly string[];
}

/**
 * Copies a file, a link (as a link) or a folder with everything in it. It appears at its new path whole or not at all; a target that exists is
 * refused, and its folder must be there. Pipes, sockets and devices are left out.
 */
export async function copyPath(jail: Jail, way: { readonly from: string; readonly to: string }, budget: CopyBudget): Promise<Copied> {
  const { from, to } = way;
  using source = translated(from, () => findPlace(jail, from, { follow: false }));
  const { name } = source;
  if (name === null) throw new Failure("path_invalid", { path: shown(from), reason: "the site's folder itself cannot be copied" });
  const stat = translated(from, () => lstatSync(at(source.folder.fd, name)));
  refusePresent(jail, to);
  // Awaited here: the folder is let go when this function returns.
  if (stat.isFile()) return await copyFile(jail, { folder: source.folder.fd, name, from, to }, budget);
  if (!stat.isDirectory() && !stat.isSymbolicLink()) throw new Failure("file_special", { path: from });
  return await copyHidden(jail, { folder: source.folder, name, stat, from, to }, budget);
}

async function copyFile(
  jail: Jail,
  way: { readonly folder: number; readonly name: string; readonly from: string; readonly to: string },
  budget: CopyBudget,
): Promise<Copied> {
  using file = translated(way.from, () => openRegular(way.folder, way.name, way.from));
  await using draft = new Draft(jail, budget);
  for await (const chunk of contentOf(file)) await draft.write(chunk, draft.size);
  try {
    const { path } = await draft.commit(way.to, { absent: true, executable: file.isExecutable });
    return { files: 1, bytes: draft.size, path };
  } catch (error) {
    throw error instanceof Failure && error.code === "file_changed" ? new Failure("file_exists", { path: way.to }, { cause: error }) : error;
  }
}

// Made under a hidden name in the root, out of everybody's sight, and moved in one step: what fails leaves nothing.
async function copyHidden(
  jail: Jail,
  way: { readonly folder: Descriptor; readonly name: string; readonly stat: Stats; readonly from: string; readonly to: string },
  budget: CopyBudget,
): Promise<Copied> {
  using root = translated("", () => openRoot(jail.root));
  const hidden = takeTemporaryName();
  try {
    const copy = new Copy(jail, budget, maxPathDepth - way.to.split("/").length);
    await translatedAsync(way.from, () => copy.entry({ from: way.folder.fd, name: way.name, stat: way.stat }, { into: root.fd, as: hidden }));
    const path = await translatedAsync(way.to, async () => {
      using target = findPlace(jail, way.to, { follow: false });
      const { name } = target;
      if (name === null) throw new Failure("file_exists", { path: shown(way.to) });
      await withLock(lockKey(target.folder.fd, name), async () => {
        if (lstatSync(at(target.folder.fd, name), { throwIfNoEntry: false }) !== undefined) throw new Failure("file_exists", { path: way.to });
        refuseLookAlike(target.folder.fd, name, { path: way.to });
        await rename(at(root.fd, hidden), at(target.folder.fd, name));
      });
      await syncDescriptor(target.folder.fd);
      return target.path;
    });
    return { files: copy.files, bytes: copy.bytes, path };
  } finally {
    await removeTree(root.fd, Buffer.from(hidden));
    releaseTemporaryName(hidden);
  }
}

interface Source {
  readonly from: number;
  readonly name: EntryName;
  readonly stat: Stats;
}
interface Target {
  readonly into: number;
  readonly as: EntryName;
}

class Copy {
  readonly #jail: Jail;
  readonly #budget: CopyBudget;
  readonly #depth: number;
  files = 0;
  bytes = 0;

  constructor(jail: Jail, budget: CopyBudget, depth: number) {
    this.#jail = jail;
    this.#budget = budget;
    this.#depth = depth;
  }

  async entry(source: Source, target: Target, depth = 0): Promise<void> {
    const { stat } = source;
    if (!stat.isDirectory() && !stat.isFile() && !stat.isSymbolicLink()) return;
    if (depth > this.#depth) throw new Failure("path_invalid", { path: "…", reason: `it would be deeper than ${maxPathDepth} folders` });
    this.files += 1;
    // More came while it was copied than was counted before.
    if (this.files > this.#budget.entries) throw new Failure("quota_exceeded", { detail: "the folder grew while it was copied" });
    if (stat.isDirectory()) await this.#folder(source, target, depth);
    else if (stat.isSymbolicLink()) copyLink(source, target);
    else await this.#file(source, target);
  }

  async #folder(source: Source, target: Target, depth: number): Promise<void> {
    using from = enterFolder(source.from, Buffer.from(source.name));
    if (from === undefined) return;
    mkdirSync(at(target.into, target.as), 0o700);
    using into = openAt(target.into, target.as, folderFlags);
    for await (const name of entryNames(from.fd)) {
      if (isReservedName(name.toString("latin1"))) continue;
      const stat = lstatSync(at(from.fd, name), { throwIfNoEntry: false });
      if (stat !== undefined) await this.entry({ from: from.fd, name, stat }, { into: into.fd, as: name }, depth + 1);
    }
    giveAway(this.#jail, into.fd, source.stat.mode & 0o777);
    await syncDescriptor(into.fd);
  }

  async #file(source: Source, target: Target): Promise<void> {
    using file = openIfThere(source);
    if (file === undefined) return;
    using copy = openAt(target.into, target.as, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
    if (file.size > this.#budget.fileBytes) throw new Failure("file_too_large", { limitBytes: this.#budget.fileBytes });
    let position = 0;
    for await (const chunk of contentOf(file)) {
      this.#budget.take(chunk.length);
      await writeFully(copy.fd, chunk, position);
      position += chunk.length;
    }
    this.bytes += position;
    giveAway(this.#jail, copy.fd, source.stat.mode & 0o777);
    await syncDescriptor(copy.fd);
  }
}

async function* contentOf(file: OpenFile): AsyncGenerator<Uint8Array> {
  for (let position = 0; position < file.size; ) {
    const chunk = await file.read(position, chunkBytes);
    if (chunk.length === 0) return;
    position += chunk.length;
    yield chunk;
  }
}

function copyLink(source: Source, target: Target): void {
  try {
    symlinkSync(readlinkSync(at(source.from, source.name), { encoding: "buffer" }), at(target.into, target.as));
  } catch (error) {
    // Swapped or deleted since it was looked at.
    if (codeOf(error) !== "EINVAL" && codeOf(error) !== "ENOENT") throw error;
  }
}

// Deleted or swapped since the walk came by: a copy made a moment later would not have it either.
function openIfThere(source: Source): OpenFile | undefined {
  try {
    return openRegular(source.from, source.name, "");
  } catch (error) {
    if (error instanceof Failure || codeOf(error) === "ENOENT" || codeOf(error) === "ELOOP") return undefined;
    throw error;
  }
}

// Said before anything is read; what appears meanwhile is refused at the end.
function refusePresent(jail: Jail, path: string): void {
  translated(path, () => {
    using place = findPlace(jail, path, { follow: false });
    if (place.name === null || lstatSync(at(place.folder.fd, place.name), { throwIfNoEntry: false }) !== undefined)
      throw new Failure("file_exists", { path: shown(path) });
    refuseLookAlike(place.folder.fd, place.name, { path });
  });
}
