import { Worker } from "node:worker_threads";
import type { z } from "zod";
import type { FileSearch, searchQuery } from "#contract/api/files.ts";
import { Failure } from "#contract/failure.ts";
import type { Jail } from "#kit/jail/jail.ts";
import type { OpenFile } from "#kit/jail/read-file.ts";
import { isReservedName } from "#kit/jail/temporary-name.ts";
import { type TreeEntry, walkTree } from "#kit/jail/walk-tree.ts";
import type { Found } from "./search-worker.ts";

/** Where a search ends, whatever it has found. */
export interface SearchLimits {
  readonly files: number;
  readonly bytes: number;
  readonly fileBytes: number;
  readonly matches: number;
  readonly matchesPerFile: number;
  readonly timeMs: number;
}

export const defaultSearchLimits: SearchLimits = {
  files: 20_000,
  bytes: 200_000_000,
  fileBytes: 2 * 1024 * 1024,
  matches: 1_000,
  matchesPerFile: 200,
  timeMs: 5_000,
};

/** What people look for: the query of `files.search`. */
export type SearchQuery = z.output<typeof searchQuery>;

const skipped = new Set(["node_modules", ".git", ".hg", ".svn", ".home", "__pycache__", ".venv", "venv"]);
/** Texts that are on their way to the thread at once: it never waits, and little is held in memory. */
const ahead = 4;
/** A zero byte this near to the beginning makes a file binary. */
const binaryBytes = 8_000;

const syntax = /[\\^$.*+?()[\]{}|/]/g;

/** The regular expression of a query. @throws {Failure} `pattern_invalid` */
export function patternOf(query: Pick<SearchQuery, "query" | "regex" | "case" | "word">): RegExp {
  const inner = query.regex ? `(?:${query.query})` : query.query.replace(syntax, "\\$&");
  const source = query.word ? `(?<![\\p{L}\\p{N}_])${inner}(?![\\p{L}\\p{N}_])` : inner;
  try {
    // By itself first: what is wrong with it is to be told of what was typed.
    if (query.regex) new RegExp(query.query, "u");
    return new RegExp(source, query.case ? "gu" : "giu");
  } catch (cause) {
    throw new Failure("pattern_invalid", { reason: cause instanceof Error ? cause.message.replace(/^Invalid regular expression: /, "") : "" }, { cause });
  }
}

/**
 * Searches the text files below a folder of a jail. Matching happens in a thread that is ended when the time is over, since a pattern can take
 * for ever; what was found until then is the answer.
 */
export async function searchTree(
  jail: Jail,
  query: SearchQuery,
  { signal, limits = defaultSearchLimits }: { readonly signal: AbortSignal; readonly limits?: SearchLimits },
): Promise<FileSearch> {
  const search = new Search(patternOf(query), limits, signal);
  try {
    // What is wrong with the folder is an answer; later, what vanishes is passed over.
    await search.run(walkTree(jail, query.path, { closed: query.all ? new Set() : skipped }), query.path);
    return search.answer();
  } finally {
    await search.close();
  }
}

type Cut = FileSearch["truncated"];

class Search {
  readonly #limits: SearchLimits;
  readonly #worker: Worker;
  readonly #signal: AbortSignal;
  readonly #paths = new Map<number, string>();
  readonly #found: { readonly number: number; readonly path: string; readonly matches: Found["matches"] }[] = [];
  readonly #ended: Promise<void>;
  #end: () => void = () => undefined;
  #isOver = false;
  #cut: Cut = null;
  #matches = 0;
  #files = 0;
  #bytes = 0;
  #skipped = 0;
  #wake: () => void = () => undefined;

  constructor(pattern: RegExp, limits: SearchLimits, signal: AbortSignal) {
    this.#limits = limits;
    this.#signal = signal;
    this.#worker = new Worker(new URL("./search-worker.ts", import.meta.url), {
      workerData: { source: pattern.source, flags: pattern.flags },
      resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 },
      env: {},
      execArgv: [],
    });
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#worker.on("message", (found: Found) => this.#take(found));
    // Out of memory, for one: what was found is still an answer.
    this.#worker.on("error", () => this.#stop("time"));
  }

  async run(entries: AsyncIterable<TreeEntry>, folder: string): Promise<void> {
    const timer = setTimeout(() => this.#stop("time"), this.#limits.timeMs);
    const leave = (): void => this.#stop("time");
    this.#signal.addEventListener("abort", leave, { once: true });
    try {
      await Promise.race([this.#walk(entries, folder), this.#ended]);
    } finally {
      clearTimeout(timer);
      this.#signal.removeEventListener("abort", leave);
    }
  }

  answer(): FileSearch {
    const files = this.#found.toSorted((a, b) => a.number - b.number).map(({ path, matches }) => ({ path, matches: [...matches] }));
    return { files, truncated: this.#cut, searched: { files: this.#files, bytes: this.#bytes }, skipped: this.#skipped };
  }

  async close(): Promise<void> {
    this.#stop(this.#cut);
    await this.#worker.terminate();
  }

  async #walk(entries: AsyncIterable<TreeEntry>, folder: string): Promise<void> {
    const prefix = folder === "" ? "" : `${folder}/`;
    for await (const entry of entries) {
      if (this.#isOver) return;
      if (!entry.stat.isFile() || !entry.hasText || isReservedName(entry.path)) continue;
      if (this.#files >= this.#limits.files) return this.#stop("files");
      if (this.#bytes + Math.min(entry.stat.size, this.#limits.fileBytes) > this.#limits.bytes) return this.#stop("bytes");
      const bytes = await this.#read(entry);
      if (bytes === undefined) {
        this.#skipped += 1;
        continue;
      }
      this.#files += 1;
      this.#bytes += bytes.length;
      await this.#give(`${prefix}${entry.path}`, bytes);
    }
    while (this.#paths.size > 0 && !this.#isOver) await this.#news();
  }

  async #read(entry: TreeEntry): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (entry.stat.size > this.#limits.fileBytes) return undefined;
    using file = openQuietly(entry);
    if (file === undefined) return undefined;
    // A copy of its own: its memory goes over to the thread.
    const bytes = new Uint8Array(await file.read(0, file.size));
    return bytes.subarray(0, binaryBytes).includes(0) ? undefined : bytes;
  }

  async #give(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    while (this.#paths.size >= ahead && !this.#isOver) await this.#news();
    if (this.#isOver) return;
    const number = this.#files;
    this.#paths.set(number, path);
    this.#worker.postMessage({ number, bytes, most: this.#limits.matchesPerFile }, [bytes.buffer]);
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #take(found: Found): void {
    const path = this.#paths.get(found.number);
    this.#paths.delete(found.number);
    if (path === undefined || this.#isOver) return;
    const matches = found.matches.slice(0, this.#limits.matches - this.#matches);
    this.#matches += matches.length;
    if (matches.length > 0) this.#found.push({ number: found.number, path, matches });
    if (found.isCut || matches.length < found.matches.length) this.#cut = "matches";
    if (this.#matches >= this.#limits.matches) this.#stop("matches");
    this.#wake();
  }

  #stop(cut: Cut): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cut = cut;
    this.#wake();
    this.#end();
  }
}

function openQuietly(entry: TreeEntry): OpenFile | undefined {
  try {
    return entry.open();
  } catch {
    // Swapped, deleted or closed to us since the walk came by.
    return undefined;
  }
}
