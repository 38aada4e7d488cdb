import { rename, rmdir, unlink } from "node:fs/promises";
import { steadyNow } from "#kit/clock.ts";
import { at, codeOf, type Descriptor, openRoot } from "./descriptor.ts";
import type { Jail } from "./jail.ts";
import { enterFolder, entryNames } from "./list-folder.ts";
import { openUp } from "./open-up.ts";
import { freshName, isLiveName, isReservedName } from "./temporary-name.ts";

// A program that keeps writing into a folder under deletion is left to the next sweep.
const removalMs = 120_000;
const batch = 32;

/**
 * Takes a folder apart, following no link. Deeper folders are first moved up to the top one, so that any depth
 * (programs can nest folders deeper than a path can say) needs two descriptors. What cannot be removed is left.
 */
export async function removeTree(parent: number, name: Buffer, deadline = steadyNow() + removalMs): Promise<boolean> {
  using top = enterForRemoval(parent, name);
  if (top === undefined) return true;
  for (let goesOn = true; goesOn && steadyNow() < deadline; ) {
    const { left, removed } = await emptyFolder(top.fd, undefined, deadline);
    let progress = removed;
    for (const folder of left) {
      using child = enterForRemoval(top.fd, folder);
      if (child !== undefined) progress += (await emptyFolder(child.fd, top.fd, deadline)).removed;
      if (await quietly(rmdir(at(top.fd, folder)))) progress += 1;
    }
    goesOn = left.length > 0 && progress > 0;
  }
  return await quietly(rmdir(at(parent, name)));
}

/**
 * Removes what ended processes left unfinished in a jail's root, and whatever else took such a name. Gives the number of things dealt with;
 * what is still there when the time is over is left to the next sweep.
 */
export async function sweepLeftOvers(jail: Jail, patienceMs = removalMs): Promise<number> {
  const deadline = steadyNow() + patienceMs;
  using root = openRoot(jail.root);
  let count = 0;
  for await (const name of entryNames(root.fd)) {
    if (steadyNow() >= deadline) break;
    const text = name.toString("latin1");
    if (!isReservedName(text) || isLiveName(text)) continue;
    if (!(await quietly(unlink(at(root.fd, name))))) await removeTree(root.fd, name, deadline);
    count += 1;
  }
  return count;
}

// Unlinks everything but folders; those are moved to `hoistTo`, or left when there is none.
async function emptyFolder(
  folder: number,
  hoistTo: number | undefined,
  deadline: number,
): Promise<{ readonly left: readonly Buffer[]; readonly removed: number }> {
  const left: Buffer[] = [];
  let removed = 0;
  let pending: Promise<void>[] = [];
  const removeOne = async (name: Buffer): Promise<void> => {
    const isGone =
      (await quietly(unlink(at(folder, name)))) ||
      (hoistTo !== undefined && ((await quietly(rmdir(at(folder, name)))) || (await hoist(at(folder, name), hoistTo)) || (await hoistOpened(name))));
    if (isGone) removed += 1;
    else left.push(name);
  };
  const hoist = (path: string | Buffer, to: number): Promise<boolean> => quietly(rename(path, at(to, freshName())));
  const hoistOpened = async (name: Buffer): Promise<boolean> => {
    openUp(folder, name);
    return hoistTo !== undefined && (await hoist(at(folder, name), hoistTo));
  };
  for await (const name of entryNames(folder)) {
    pending.push(removeOne(name));
    if (pending.length < batch) continue;
    await Promise.all(pending);
    pending = [];
    // Whoever fills it as fast as it is emptied would keep us here.
    if (steadyNow() >= deadline) break;
  }
  await Promise.all(pending);
  return { left, removed };
}

// An ordinary user needs the right to write in a folder that he owns before he can empty or move it; root never does.
function enterForRemoval(parent: number, name: Buffer): Descriptor | undefined {
  const opened = enterFolder(parent, name);
  if (opened !== undefined && (opened.stat().mode & 0o300) === 0o300) return opened;
  opened?.[Symbol.dispose]();
  openUp(parent, name);
  return enterFolder(parent, name);
}

// Trouble of a known kind is an answer here, not an error: the caller tries another way, or leaves it.
async function quietly(act: Promise<unknown>): Promise<boolean> {
  try {
    await act;
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return true;
    if (["EISDIR", "ENOTDIR", "ENOTEMPTY", "EEXIST", "EPERM", "EACCES", "EBUSY", "EINVAL"].includes(codeOf(error))) return false;
    throw error;
  }
}
