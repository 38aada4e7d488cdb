import { constants, existsSync, mkdirSync, openSync, realpathSync, renameSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join, relative } from "node:path";
import { Failure } from "#contract/failure.ts";
import { at, codeOf } from "#kit/jail/descriptor.ts";
import { type Place, walkPath } from "#kit/jail/walk-path.ts";

// The original keeps logs inside the folder that scripts write to: they may swap whatever lies there for links, pipes and other
// names of files while root writes. So every part below that folder is opened by itself, following nothing.

/** A file or folder of outputs: `path` below `root`, and nobody but the platform can change what leads to the root. */
export interface OutputFile {
  readonly root: string;
  readonly path: readonly string[];
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY, O_WRONLY } = constants;
const careful = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

/** Makes a folder of outputs; `shared` is the one that scripts write to. */
export function openOutputFolder(folder: string, shared: string): OutputFile {
  // Its own parents belong to the platform; a shared folder that holds it does not.
  const lexical = relative(shared, folder);
  const realShared = (): string => (existsSync(shared) ? realpathSync(shared) : shared);
  mkdirSync(isBelow(lexical) ? shared : folder, { recursive: true, mode: isBelow(lexical) ? 0o755 : 0o750 });
  const root = realpathSync(isBelow(lexical) ? shared : folder);
  const path = isBelow(lexical) ? lexical : relative(realShared(), root);
  const found = isBelow(path) ? { root: realShared(), path: path.split("/").filter((name) => name !== "") } : { root, path: [] };
  using _made = walk({ ...found, path: [...found.path, "any"] });
  return found;
}

function isBelow(path: string): boolean {
  return path !== ".." && !path.startsWith("../");
}

export function outputIn(folder: OutputFile, name: string): OutputFile {
  return { root: folder.root, path: [...folder.path, name] };
}

/** Makes an empty file, in place of whatever has its name, and gives its descriptor. */
export function createOutput(file: OutputFile): number {
  const [name = "", ...deeper] = file.path;
  // Nobody else can change what leads to the root, so there is nothing to be careful of before the name itself.
  if (deeper.length === 0) return createAt(join(file.root, name));
  using place = walk(file);
  return createAt(at(place.folder.fd, place.name ?? ""));
}

function createAt(path: string): number {
  const create = (): number => openSync(path, O_WRONLY | O_CREAT | O_EXCL | careful, 0o640);
  try {
    return create();
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    rmSync(path);
    return create();
  }
}

/** Opens one that is there already. Something else by its name is refused. */
export async function reopenOutput(file: OutputFile, flags: number): Promise<FileHandle> {
  using place = walk(file);
  const handle = await open(at(place.folder.fd, place.name ?? ""), flags | careful);
  const stat = await handle.stat();
  // A second name may be that of a file outside.
  if (stat.isFile() && stat.nlink <= 1) return handle;
  await handle.close();
  throw new Error("something else stands in place of an output");
}

/** Gives it another name; one that is not there, or no longer where we may look, has none. */
export function renameOutput(file: OutputFile, name: string): void {
  unlessAbsent(() => {
    using place = walk(file);
    renameSync(at(place.folder.fd, place.name ?? ""), at(place.folder.fd, name));
  });
}

/** Deletes it; one that is not there, or no longer where we may look, is gone already. */
export function removeOutput(file: OutputFile): void {
  unlessAbsent(() => {
    using place = walk(file);
    rmSync(at(place.folder.fd, place.name ?? ""), { force: true });
  });
}

function unlessAbsent(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (codeOf(error) !== "ENOENT" && !(error instanceof Failure)) throw error;
  }
}

function walk(file: OutputFile): Place {
  return walkPath(file.root, file.path, { follow: false, noLinks: true, make: makeFolder });
}

function makeFolder(folder: number, name: string): void {
  try {
    mkdirSync(at(folder, name), 0o750);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}
