import type { FileVersion } from "#contract/api/files.ts";
import { type Author, type HistoryLine, type VersionLine, versionOf } from "./version-record.ts";

/** How much of a site's past is kept. */
export interface HistoryLimits {
  /** Together, each content once. */
  readonly bytes: number;
  readonly versionsPerFile: number;
  readonly days: number;
  /** Larger files keep no versions. */
  readonly fileBytes: number;
}

/** The most versions of a site, whatever their size: they are held in memory while somebody works on it. */
export const mostVersions = 5_000;
const mostSaved = 5_000;
const mostFolders = 2_000;
const dayMs = 24 * 60 * 60 * 1000;

/** What is known of a site's past, in memory: decides what is kept, and touches nothing. */
export class VersionIndex {
  readonly #limits: HistoryLimits;
  // Oldest first.
  #versions: VersionLine[] = [];
  readonly #uses = new Map<string, number>();
  readonly #saved = new Map<string, { readonly sha256: string; readonly by: Author }>();
  // When each went, oldest first.
  readonly #folders = new Map<string, string>();
  #bytes = 0;

  constructor(limits: HistoryLimits) {
    this.#limits = limits;
  }

  /** Contents together, each once. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many lines would say all that is known. */
  get size(): number {
    return this.#versions.length + this.#saved.size + new Set(this.#folders.values()).size;
  }

  has(sha256: string): boolean {
    return this.#uses.has(sha256);
  }

  /** Takes a line in; gives the contents that nobody needs any more. */
  add(line: HistoryLine): readonly string[] {
    if (line.kind === "saved") this.#note(line.path, line);
    else if (line.kind === "moved") this.#move(line.from, line.to);
    else if (line.kind === "folders") this.#noteFolders(line.paths, line.endedAt);
    else {
      this.#versions.push(line);
      const uses = this.#uses.get(line.sha256) ?? 0;
      this.#uses.set(line.sha256, uses + 1);
      if (uses === 0) this.#bytes += line.size;
      return this.#fit(line.path);
    }
    return [];
  }

  /** Forgets what has grown too old, and what `isThere` says is lost; gives the contents that nobody needs any more. */
  prune(now: number, isThere: (sha256: string) => boolean = () => true): readonly string[] {
    const oldest = new Date(now - this.#limits.days * dayMs).toISOString();
    for (const [path, endedAt] of [...this.#folders]) if (endedAt < oldest) this.#folders.delete(path);
    return this.#keepOnly((version) => version.endedAt >= oldest && isThere(version.sha256));
  }

  find(id: string): VersionLine | undefined {
    return this.#versions.find((version) => version.id === id);
  }

  /** The newest content of a file that is known to have ended. */
  newestOf(path: string): VersionLine | undefined {
    return this.#versions.findLast((version) => version.path === path);
  }

  /** Who saved this content of a file last; null when that is not known. */
  authorOf(path: string, sha256: string): Author | null {
    const saved = this.#saved.get(path);
    return saved?.sha256 === sha256 ? saved.by : null;
  }

  /** Newest first. */
  versionsOf(path: string): readonly FileVersion[] {
    return this.#versions
      .filter((version) => version.path === path)
      .toReversed()
      .map(versionOf);
  }

  /** The newest version of each file below a folder, newest first. */
  newestBelow(folder: string): readonly FileVersion[] {
    const found = new Map<string, VersionLine>();
    for (const version of this.#versions.toReversed()) if (isBelow(version.path, folder) && !found.has(version.path)) found.set(version.path, version);
    return [...found.values()].map(versionOf);
  }

  /** Empty folders that went with a deletion, at a place and below it. */
  foldersAt(place: string): readonly { readonly path: string; readonly endedAt: string }[] {
    return [...this.#folders].filter(([path]) => place === "" || isAtOrBelow(path, place)).map(([path, endedAt]) => ({ path, endedAt }));
  }

  /** Everything that is known, as lines of a new file. */
  lines(): readonly HistoryLine[] {
    const saved = [...this.#saved].map(([path, { sha256, by }]): HistoryLine => ({ kind: "saved", path, sha256, by }));
    const folders = Map.groupBy(this.#folders, ([, endedAt]) => endedAt);
    return [
      ...this.#versions,
      ...saved,
      ...[...folders].map(([endedAt, all]): HistoryLine => ({ kind: "folders", paths: all.map(([path]) => path), endedAt })),
    ];
  }

  #noteFolders(paths: readonly string[], endedAt: string): void {
    for (const path of paths) {
      this.#folders.delete(path);
      this.#folders.set(path, endedAt);
    }
    for (const path of [...this.#folders.keys()].slice(0, Math.max(0, this.#folders.size - mostFolders))) this.#folders.delete(path);
  }

  #note(path: string, saved: { readonly sha256: string; readonly by: Author }): void {
    this.#saved.delete(path);
    this.#saved.set(path, { sha256: saved.sha256, by: saved.by });
    const [oldest] = this.#saved.keys();
    if (this.#saved.size > mostSaved && oldest !== undefined) this.#saved.delete(oldest);
  }

  #move(from: string, to: string): void {
    const moved = (path: string): string => (path === from ? to : `${to}${path.slice(from.length)}`);
    this.#versions = this.#versions.map((version) => (isAtOrBelow(version.path, from) ? { ...version, path: moved(version.path) } : version));
    for (const [path, saved] of [...this.#saved]) {
      if (!isAtOrBelow(path, from)) continue;
      this.#saved.delete(path);
      this.#saved.set(moved(path), saved);
    }
  }

  #fit(path: string): readonly string[] {
    const freed: string[] = [];
    const ofFile = this.#versions.filter((version) => version.path === path);
    const tooMany = new Set(ofFile.slice(0, Math.max(0, ofFile.length - this.#limits.versionsPerFile)));
    if (tooMany.size > 0) freed.push(...this.#keepOnly((version) => !tooMany.has(version)));
    while (this.#versions.length > mostVersions || (this.#bytes > this.#limits.bytes && this.#versions.length > 0)) {
      const [oldest] = this.#versions;
      freed.push(...this.#keepOnly((version) => version !== oldest));
    }
    return freed;
  }

  #keepOnly(isKept: (version: VersionLine) => boolean): readonly string[] {
    const gone = this.#versions.filter((version) => !isKept(version));
    if (gone.length === 0) return [];
    this.#versions = this.#versions.filter(isKept);
    return gone.flatMap((version) => this.#release(version));
  }

  #release({ sha256, size }: VersionLine): readonly string[] {
    const uses = (this.#uses.get(sha256) ?? 0) - 1;
    if (uses > 0) {
      this.#uses.set(sha256, uses);
      return [];
    }
    this.#uses.delete(sha256);
    this.#bytes -= size;
    return [sha256];
  }
}

/** Whether a path lies in a folder or deeper; "" is the site's own folder. */
export function isBelow(path: string, folder: string): boolean {
  return folder === "" || path.startsWith(`${folder}/`);
}

function isAtOrBelow(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}
