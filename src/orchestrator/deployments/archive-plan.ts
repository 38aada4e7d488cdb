import { z } from "zod";
import { Failure } from "#contract/failure.ts";
import { type ArchiveEntry, unsafe } from "./archive-entry.ts";

const placedFile = z.object({ kind: z.literal("file"), path: z.string(), executable: z.boolean(), size: z.int(), sha256: z.string() });
const placedLink = z.object({ kind: z.literal("link"), path: z.string(), target: z.string() });
const placedFolder = z.object({ kind: z.literal("folder"), path: z.string() });

/** Something that a deployment places. */
export const placed = z.discriminatedUnion("kind", [placedFile, placedLink, placedFolder]);
export type Placed = z.output<typeof placed>;

/** What an unpacked archive holds; `staged` is the number under which a file's bytes wait. */
export const unpackedPlan = z.object({
  files: z.int(),
  bytes: z.int(),
  entries: z.array(z.discriminatedUnion("kind", [placedFile.extend({ staged: z.int() }), placedLink, placedFolder])),
});
export type UnpackedPlan = z.output<typeof unpackedPlan>;
export type PlannedEntry = UnpackedPlan["entries"][number];

/** The most that an archive may hold. */
export interface ArchiveLimits {
  readonly entries: number;
  readonly fileBytes: number;
  readonly totalBytes: number;
}

// A hundred thousand entries of ordinary names have a tenth of it; the longest names that a path may have would fill the memory.
const maxNameBytes = 64 * 1024 * 1024;

/** Collects what an archive holds and refuses what contradicts itself or is too much. */
export class ArchivePlan {
  readonly #limits: ArchiveLimits;
  readonly #entries = new Map<string, PlannedEntry>();
  // Names that look alike (a letter with its accent apart or in one) must not both be there.
  readonly #looks = new Map<string, string>();
  #bytes = 0;
  #count = 0;
  #nameBytes = 0;

  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }

  /** Checks an entry before any of its bytes are taken, so that no lie of the archive costs anything. */
  admit(entry: ArchiveEntry): void {
    this.#count += 1;
    if (this.#count > this.#limits.entries) throw this.#tooMany();
    if (entry.kind === "folder") return;
    if (this.#entries.has(entry.path)) throw unsafe(entry.path, "it is there twice");
    const size = entry.kind === "file" ? entry.size : entry.kind === "copy" ? this.fileAt(entry.of, entry.path).size : 0;
    if (size > this.#limits.fileBytes) throw tooLarge(`${entry.path.slice(0, 200)} has more than ${this.#limits.fileBytes} bytes`);
    if (this.#bytes + size > this.#limits.totalBytes) throw tooLarge(`its files have more than ${this.#limits.totalBytes} bytes together`);
    this.#bytes += size;
  }

  /** Takes an entry in, with the folders above it. */
  add(entry: PlannedEntry): void {
    const parts = entry.path.split("/");
    for (let depth = 1; depth < parts.length; depth += 1) this.#addFolder(parts.slice(0, depth).join("/"), entry.path);
    if (entry.kind === "folder") this.#addFolder(entry.path, entry.path);
    else this.#set(entry);
  }

  /** An earlier file of the archive. */
  fileAt(path: string, from: string): Extract<PlannedEntry, { kind: "file" }> {
    const entry = this.#entries.get(path);
    if (entry?.kind !== "file") throw unsafe(from, "it is a hard link to something that is not in the archive before it");
    return entry;
  }

  /** Everything, folders before what is in them. */
  finish(): UnpackedPlan {
    const entries = [...this.#entries.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
    if (entries.length === 0) throw new Failure("archive_invalid", { reason: "it holds no files" });
    return { files: entries.filter((entry) => entry.kind !== "folder").length, bytes: this.#bytes, entries };
  }

  #addFolder(path: string, from: string): void {
    if (path === "") return;
    const present = this.#entries.get(path);
    if (present === undefined) this.#set({ kind: "folder", path });
    // The oldest trick: a link first, then a file through it.
    else if (present.kind !== "folder") throw unsafe(from, `${path} is a ${present.kind} in the archive, not a folder`);
  }

  #set(entry: PlannedEntry): void {
    const look = entry.path.normalize("NFC");
    const other = this.#looks.get(look);
    if (other !== undefined && other !== entry.path) throw unsafe(entry.path, "another name in the archive looks just like it");
    if (this.#entries.has(entry.path)) throw unsafe(entry.path, "it is there twice");
    // Counted here too: an entry brings the folders above it, of which the archive need not say a word.
    if (this.#entries.size >= this.#limits.entries) throw this.#tooMany();
    this.#nameBytes += Buffer.byteLength(entry.path) + (entry.kind === "link" ? Buffer.byteLength(entry.target) : 0);
    if (this.#nameBytes > maxNameBytes) throw tooLarge(`its names have more than ${maxNameBytes} bytes together`);
    this.#looks.set(look, entry.path);
    this.#entries.set(entry.path, entry);
  }

  #tooMany(): Failure {
    return tooLarge(`more than ${this.#limits.entries} files and folders`);
  }
}

/** The failure for an archive that holds too much. */
export function tooLarge(reason: string): Failure {
  return new Failure("archive_too_large", { reason });
}
