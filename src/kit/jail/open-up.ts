import { chmodSync, openSync } from "node:fs";
import { at, codeOf, Descriptor, type EntryName, holdFlags, openAt, openRoot } from "./descriptor.ts";

// Where the platform is no root, it is the user of every site's program, and permissions bind it: without this, `chmod 000` would hide
// files from whoever counts them and keep folders from being deleted.
const ownersRights = 0o700;

/** Gives the owner of a folder every right in it again, following no link; what is no folder, gone or not ours to change stays as it is. */
export function openUp(parent: number, name: EntryName): void {
  try {
    using held = openAt(parent, name, holdFlags);
    giveRights(held);
  } catch (error) {
    refuseUnforeseen(error);
  }
}

/** Opens a folder whose parents belong to the platform, also when a program of our own user has taken the owner's rights away. */
export function openRootUp(root: string): Descriptor {
  try {
    using held = new Descriptor(openSync(root, holdFlags));
    // Root needs no rights: a site's own user keeps those that he chose.
    if (held.stat().uid === process.geteuid?.()) giveRights(held);
  } catch (error) {
    refuseUnforeseen(error);
  }
  return openRoot(root);
}

function giveRights(held: Descriptor): void {
  const stat = held.stat();
  if (stat.isDirectory() && (stat.mode & ownersRights) !== ownersRights) chmodSync(at(held.fd), (stat.mode & 0o7777) | ownersRights);
}

function refuseUnforeseen(error: unknown): void {
  if (!["ENOENT", "ENOTDIR", "EPERM", "EACCES", "EROFS"].includes(codeOf(error))) throw error;
}
