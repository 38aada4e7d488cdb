import { lchownSync, lstatSync, symlinkSync } from "node:fs";
import { Failure } from "#contract/failure.ts";
import { at, codeOf } from "./descriptor.ts";
import { syncDescriptor } from "./descriptor-io.ts";
import { translatedAsync } from "./fault.ts";
import { findPlace, type Jail } from "./jail.ts";
import { refuseLookAlike } from "./look-alike.ts";
import { shown } from "./read-file.ts";

/**
 * Makes a symbolic link. Its target is stored as it is given, once it is known to lie in the site as the names stand: what the folders
 * on the way turn into later is for whoever follows it.
 */
export async function makeLink(jail: Jail, path: string, target: string): Promise<void> {
  await translatedAsync(path, async () => {
    using place = findPlace(jail, path, { follow: false });
    if (place.name === null) throw new Failure("file_exists", { path: shown(path) });
    if (!staysInside(place.path.slice(0, -1), target)) throw new Failure("path_outside_site", { path: shown(target) });
    refuseLookAlike(place.folder.fd, place.name, { path });
    const entry = at(place.folder.fd, place.name);
    try {
      symlinkSync(target, entry);
    } catch (error) {
      if (codeOf(error) === "EEXIST") throw new Failure("file_exists", { path: shown(path) }, { cause: error });
      throw error;
    }
    // Somebody may have swapped the link for something else: only a link is touched, and it gives nobody more than they had.
    if (jail.owner !== null && lstatSync(entry, { throwIfNoEntry: false })?.isSymbolicLink() === true) lchownSync(entry, jail.owner.uid, jail.owner.gid);
    await syncDescriptor(place.folder.fd);
  });
}

function staysInside(folder: readonly string[], target: string): boolean {
  if (target === "" || target.includes("\0")) return false;
  const isAbsolute = target.startsWith("/");
  if (isAbsolute && target !== "/site" && !target.startsWith("/site/")) return false;
  const real = isAbsolute ? [] : [...folder];
  for (const part of (isAbsolute ? target.slice("/site".length) : target).split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") real.push(part);
    else if (real.pop() === undefined) return false;
  }
  return true;
}
