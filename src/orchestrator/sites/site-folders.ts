import { randomUUID } from "node:crypto";
import { fchmodSync, fchownSync, mkdirSync } from "node:fs";
import { mkdir, readdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { siteFolder } from "#contract/site.ts";
import { at, codeOf, type Descriptor, folderFlags, openAt, openRoot } from "#kit/jail/descriptor.ts";
import type { FileOwner } from "#kit/jail/jail.ts";
import { openRootUp } from "#kit/jail/open-up.ts";
import { removeTree } from "#kit/jail/remove-tree.ts";

const ownFolders = ["public", "private", ".home"] as const;
// The owner and the platform's group, nobody else, as in the original.
const folderMode = 0o770;

/** Where sites' files stand, and how they come and go. */
export class SiteFolders {
  readonly #sites: string;
  readonly #trash: string;

  constructor(options: { readonly sites: string; readonly trash: string }) {
    this.#sites = options.sites;
    this.#trash = options.trash;
  }

  async open(): Promise<void> {
    await mkdir(this.#sites, { recursive: true, mode: 0o711 });
    await mkdir(this.#trash, { recursive: true, mode: 0o700 });
  }

  /** Deletes what a removal did not come to before the last end. */
  async sweep(): Promise<void> {
    using trash = openRoot(this.#trash);
    for (const name of await readdir(this.#trash)) await removeTree(trash.fd, Buffer.from(name));
  }

  folderOf(siteId: number): string {
    return join(this.#sites, siteFolder(siteId));
  }

  /** Makes the site's folder and the folders in it that are absent; what the site has put in their place stays. */
  async make(siteId: number, owner: FileOwner | null): Promise<void> {
    const root = this.folderOf(siteId);
    await mkdir(dirname(root), { recursive: true, mode: 0o711 });
    const isNew = await mkdir(root, { mode: folderMode }).then(() => true, ignore("EEXIST"));
    using folder = openRootUp(root);
    own(folder, owner, isNew === true);
    for (const name of ownFolders) makeInside(folder, name, owner);
  }

  /** Deletes the site's folder: gone at once for everyone who looks, whatever its size. What cannot be deleted now is left to the next sweep. */
  async remove(siteId: number): Promise<void> {
    const name = `${siteId}-${randomUUID()}`;
    await this.#throwAway(siteId, name).catch(ignore("ENOENT"));
    using trash = openRoot(this.#trash);
    await removeTree(trash.fd, Buffer.from(name));
  }

  async #throwAway(siteId: number, name: string): Promise<void> {
    const root = this.folderOf(siteId);
    // A folder that goes elsewhere has to be written to, which its program may have forbidden.
    openRootUp(root)[Symbol.dispose]();
    await rename(root, join(this.#trash, name));
  }
}

function makeInside(folder: Descriptor, name: string, owner: FileOwner | null): void {
  let isNew = false;
  try {
    mkdirSync(at(folder.fd, name), { mode: folderMode });
    isNew = true;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
  try {
    using made = openAt(folder.fd, name, folderFlags);
    own(made, owner, isNew);
  } catch (error) {
    // The site has a file or a link of this name, shut the folder or deleted it in that moment: its own business.
    if (!["ENOTDIR", "ELOOP", "EACCES", "ENOENT"].includes(codeOf(error))) throw error;
  }
}

// By descriptor: a path could lead elsewhere by the time it is used.
function own(folder: Descriptor, owner: FileOwner | null, isNew: boolean): void {
  const found = folder.stat();
  const isOwned = owner === null || (found.uid === owner.uid && found.gid === owner.gid);
  if (isNew || !isOwned) fchmodSync(folder.fd, folderMode);
  if (!isOwned && owner !== null) fchownSync(folder.fd, owner.uid, owner.gid);
}

function ignore(code: string): (error: unknown) => void {
  return (error) => {
    if (codeOf(error) !== code) throw error;
  };
}
