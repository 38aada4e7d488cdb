import { lstatSync, readlinkSync } from "node:fs";
import { Failure } from "#contract/failure.ts";
import { at, codeOf, type Descriptor, folderFlags, openAt, openRoot } from "./descriptor.ts";
import { isReservedName } from "./temporary-name.ts";

// As many links as Linux itself follows in one path.
const maxHops = 40;
// Every step holds a descriptor until the walk ends; people's paths have at most 64 parts, links may lead deeper.
const maxDepth = 256;

/** How far links are followed. */
export interface WalkOptions {
  /** Follow a link at the end of the path too; without it the link itself is meant. */
  readonly follow: boolean;
  /** Folder (from the root) that links must not leave; it must be a real folder, not a link. */
  readonly within?: readonly string[];
  /** Refuse links on the way instead of following them, with `not_a_folder`. */
  readonly noLinks?: boolean;
  /** Makes a folder that is missing on the way; never the last part of the path. */
  readonly make?: (folder: number, name: string) => void;
}

/** Where a path leads: an open folder, and the name of an entry in it that may be absent. */
export class Place implements Disposable {
  readonly folder: Descriptor;
  /** Null: the folder itself is meant. */
  readonly name: string | null;
  /** The real path from the root, with every link resolved. */
  readonly path: readonly string[];
  /** Whether folders on the way were made. */
  readonly hasMade: boolean;

  constructor(trail: { readonly folder: Descriptor; readonly names: readonly string[]; readonly hasMade: boolean }, name: string | null) {
    this.folder = trail.folder;
    this.name = name;
    this.path = name === null ? trail.names : [...trail.names, name];
    this.hasMade = trail.hasMade;
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

/**
 * Walks a path below a root, one component at a time on open descriptors, so that nobody who swaps folders for links
 * meanwhile leads it elsewhere. Links inside the root are resolved here, never by the kernel; `/site` is the root.
 * @throws {Failure} `path_outside_site`; system errors for components that are missing or no folders.
 */
export function walkPath(root: string, path: readonly string[], options: WalkOptions): Place {
  const shown = path.join("/");
  // Only links may climb: a path that people give never does.
  if (path.includes("..")) throw outside(shown);
  for (const name of path) refuseBadName(name, shown);
  using trail = new Trail(openRoot(root), options.make);
  const within = options.within ?? [];
  const pending = path.toReversed();
  let hops = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === "..") {
      if (!trail.up()) throw outside(shown);
      continue;
    }
    refuseBadName(name, shown);
    if (trail.depth < within.length && name !== within[trail.depth]) throw outside(shown);
    const isLast = pending.length === 0;
    if (isLast && !options.follow) return trail.end(name);
    const target = isLast ? linkAt(trail.fd, name) : trail.down(name);
    if (target === undefined) {
      if (isLast) return trail.end(name);
      continue;
    }
    if (options.noLinks === true) throw new Failure("not_a_folder", { path: [...trail.names, name].join("/") });
    hops += 1;
    if (hops > maxHops || trail.depth < within.length) throw outside(shown);
    const inside = target.startsWith("/") ? belowSite(target) : target;
    if (inside === undefined) throw outside(shown);
    if (target.startsWith("/")) trail.restart();
    pending.push(...partsOf(inside).toReversed());
  }
  if (trail.depth < within.length) throw outside(shown);
  return trail.end(null);
}

/** What is left of an absolute link's target below `/site`, the site's folder as its program sees it; undefined when it points elsewhere. */
export function belowSite(target: string): string | undefined {
  if (target === "/site") return "";
  return target.startsWith("/site/") ? target.slice("/site/".length) : undefined;
}

// The folders from the root to where the walk is: `..` in a link goes back to what was really passed.
class Trail implements Disposable {
  readonly #open: Descriptor[];
  readonly #names: string[] = [];
  readonly #make: WalkOptions["make"];
  #hasMade = false;

  constructor(root: Descriptor, make: WalkOptions["make"]) {
    this.#open = [root];
    this.#make = make;
  }

  get fd(): number {
    return this.#top().fd;
  }

  get names(): readonly string[] {
    return this.#names;
  }

  get depth(): number {
    return this.#names.length;
  }

  /** Opens the next folder, or gives the target when it is a link. */
  down(name: string): string | undefined {
    if (this.depth >= maxDepth) throw new Failure("path_invalid", { path: this.#names.slice(0, 8).join("/"), reason: "it leads too deep" });
    try {
      return this.#enter(name);
    } catch (error) {
      if (codeOf(error) === "ENOENT" && this.#make !== undefined) {
        this.#make(this.fd, name);
        this.#hasMade = true;
        return this.#enter(name);
      }
      const target = codeOf(error) === "ENOTDIR" || codeOf(error) === "ELOOP" ? linkAt(this.fd, name) : undefined;
      if (target === undefined) throw error;
      return target;
    }
  }

  #enter(name: string): undefined {
    this.#open.push(openAt(this.fd, name, folderFlags));
    this.#names.push(name);
  }

  up(): boolean {
    if (this.#names.pop() === undefined) return false;
    this.#open.pop()?.[Symbol.dispose]();
    return true;
  }

  restart(): void {
    while (this.up());
  }

  /** Hands the folder over; the others close with the trail. */
  end(name: string | null): Place {
    const folder = this.#top();
    this.#open.pop();
    return new Place({ folder, names: [...this.#names], hasMade: this.#hasMade }, name);
  }

  #top(): Descriptor {
    const top = this.#open.at(-1);
    if (top === undefined) throw new Error("the walk has ended");
    return top;
  }

  [Symbol.dispose](): void {
    for (const folder of this.#open) folder[Symbol.dispose]();
  }
}

function linkAt(folder: number, name: string): string | undefined {
  const path = at(folder, name);
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) return undefined;
  try {
    return readlinkSync(path);
  } catch (error) {
    // It was swapped for something else since; whoever opens it follows no link anyway.
    if (codeOf(error) === "EINVAL" || codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function partsOf(target: string): string[] {
  return target.split("/").filter((part) => part !== "" && part !== ".");
}

// Callers parse their paths; this holds even if one forgets, and for the targets of links.
function refuseBadName(name: string, path: string): void {
  if (isReservedName(name))
    throw new Failure("path_invalid", { path: path.slice(0, 200), reason: `names that start with ${name.slice(0, 13)} are the platform's own` });
  if (name === "" || name === "." || name.includes("/") || name.includes("\0"))
    throw new Failure("path_invalid", { path: path.slice(0, 200), reason: "a name in it is not allowed" });
}

function outside(path: string): Failure {
  return new Failure("path_outside_site", { path });
}
