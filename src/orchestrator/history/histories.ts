import { createHash } from "node:crypto";
import { mkdir, readdir, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { LRUCache } from "lru-cache";
import { type DeletedFolder, type FileVersion, mostListedVersions, type versionEnds } from "#contract/api/files.ts";
import { Failure } from "#contract/failure.ts";
import { homeFolderId } from "#contract/site.ts";
import type { Clock } from "#kit/clock.ts";
import type { Jail } from "#kit/jail/jail.ts";
import type { Keep } from "#kit/jail/keep-present.ts";
import { statPath } from "#kit/jail/read-file.ts";
import { walkTree } from "#kit/jail/walk-tree.ts";
import type { Log } from "#kit/log.ts";
import { Lanes } from "../sites/lane.ts";
import { SiteHistory } from "./site-history.ts";
import type { HistoryLimits } from "./version-index.ts";
import { type Author, versionOf } from "./version-record.ts";

/** What the histories of all sites need. */
export interface HistoriesDeps {
  /** A folder of the platform's own, outside of every site. */
  readonly folder: string;
  readonly limits: HistoryLimits;
  readonly clock: Clock;
  readonly log: Log;
  /** Bytes of the disk that versions leave free: without them a save keeps no version. */
  readonly reservedBytes: number;
  /** Whether there is such a site. */
  readonly isHeld: (siteId: number) => boolean;
  /** Other orchestrators keep the histories of their sites in the same folder: what is not held here is theirs. */
  readonly isShared?: boolean;
}

/** What is about to happen to a file, and by whom. */
export interface Ending {
  readonly ended: (typeof versionEnds)[number];
  readonly by: Author | null;
}

/** Versions, newest first; `truncated` when there are more than are listed. */
export interface VersionList {
  readonly versions: FileVersion[];
  readonly truncated: boolean;
  /** Empty folders that went with a deletion. */
  readonly folders?: DeletedFolder[];
}

// What is fetched or generated, and a repository that keeps versions itself: their thousands of files would push out what people wrote.
const unkept = new Set(["node_modules", ".git", ".hg", ".svn", "__pycache__", ".cache"]);
/** A folder that is deleted with everything in it keeps so many of its files, and so much of what the site may keep. */
const treeLimits = { files: 1_000, folders: 1_000, share: 0.5 };
const sweepEveryMs = 6 * 60 * 60 * 1000;
/** As many sites' histories are held in memory. */
const sitesInMemory = 50;

/** What files of sites held before people replaced or deleted it. A save never fails because its version cannot be kept. */
export class Histories {
  readonly #deps: HistoriesDeps;
  readonly #lanes = new Lanes<number>();
  readonly #open = new LRUCache<number, SiteHistory>({ max: sitesInMemory });
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> = Promise.resolve();

  constructor(deps: HistoriesDeps) {
    this.#deps = deps;
  }

  /** Removes what has grown too old, and what is left of sites that are gone: now and from time to time. */
  start(): void {
    const sweep = (): void => {
      this.#sweeping = this.#sweeping
        .then(() => this.sweep())
        .catch((err: unknown) => this.#deps.log.error({ err }, "old versions of files cannot be removed"));
    };
    sweep();
    this.#timer = setInterval(sweep, sweepEveryMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Keeps what a change in this site is about to end. */
  keeper(siteId: number, ending: Ending): Keep {
    return (path, file) =>
      this.#quietly(async () => {
        if (file.size > this.#deps.limits.fileBytes || this.#deps.limits.bytes === 0 || path.some((name) => unkept.has(name))) return;
        if (await this.#isDiskFull(file.size)) return;
        const bytes = await file.read(0, file.size);
        const { size, isExecutable, modifiedMs } = { size: bytes.length, isExecutable: file.isExecutable, modifiedMs: file.modifiedMs };
        const at = { path: path.join("/"), executable: isExecutable, modifiedAt: new Date(modifiedMs).toISOString() };
        const sha256 = createHash("sha256").update(bytes).digest("hex");
        await this.#on(siteId, async (history) => {
          // Saved again without a change: it is a version already.
          if (history.index.newestOf(at.path)?.sha256 === sha256) return;
          const savedBy = history.index.authorOf(at.path, sha256);
          await history.keep(bytes, { ...at, sha256, size, savedBy, endedAt: this.#now(), ended: ending.ended, endedBy: ending.by });
        });
      });
  }

  /** Keeps what a folder holds before it is deleted with everything in it. */
  async keepTree({ siteId, jail }: { readonly siteId: number; readonly jail: Jail }, path: string, ending: Ending): Promise<void> {
    await this.#quietly(async () => {
      if (statPath(jail, path)?.type !== "folder") return;
      const keep = this.keeper(siteId, ending);
      // Those of them that nothing kept lies in: they come back by themselves only.
      const folders = new Set([path]);
      let files = 0;
      let bytes = 0;
      // Folders that a program has shut are opened up, as they are for the deletion: what is in them is kept, too.
      for await (const entry of walkTree(jail, path, { closed: unkept, whenShut: () => undefined })) {
        const { size } = entry.stat;
        const full = `${path}/${entry.path}`;
        if (!entry.hasText) continue;
        if (entry.stat.isDirectory() && folders.size < treeLimits.folders) {
          folders.delete(parentOf(full));
          folders.add(full);
        }
        if (!entry.stat.isFile() || size > this.#deps.limits.fileBytes) continue;
        files += 1;
        bytes += size;
        if (files > treeLimits.files || bytes > this.#deps.limits.bytes * treeLimits.share) break;
        using file = openQuietly(entry.open);
        if (file === undefined) continue;
        folders.delete(parentOf(full));
        await keep(full.split("/"), file);
      }
      const paths = [...folders].filter((folder) => !folder.split("/").some((name) => unkept.has(name)));
      if (paths.length > 0 && this.#deps.limits.bytes > 0) await this.#on(siteId, (history) => history.note({ kind: "folders", paths, endedAt: this.#now() }));
    });
  }

  /** Remembers who gave a file its content. */
  async saved(siteId: number, saved: { readonly path: readonly string[]; readonly sha256: string; readonly by: Author | null }): Promise<void> {
    const { by } = saved;
    if (by === null || this.#deps.limits.bytes === 0 || saved.path.some((name) => unkept.has(name))) return;
    await this.#quietly(() => this.#on(siteId, (history) => history.note({ kind: "saved", path: saved.path.join("/"), sha256: saved.sha256, by })));
  }

  /** Carries versions along with a file or folder that was renamed. */
  async moved(siteId: number, from: readonly string[], to: readonly string[]): Promise<void> {
    await this.#quietly(() =>
      this.#on(siteId, async (history) => {
        if (history.index.size > 0) await history.note({ kind: "moved", from: from.join("/"), to: to.join("/") });
      }),
    );
  }

  /** A file's earlier versions. */
  list(siteId: number, path: string): Promise<VersionList> {
    return this.#on(siteId, async (history) => listed(history.index.versionsOf(path)));
  }

  /** The last version of every file below a folder that is not there any more. */
  async deleted(siteId: number, jail: Jail, folder: string): Promise<VersionList> {
    const { newest, folders } = await this.#on(siteId, async ({ index }) => ({ newest: index.newestBelow(folder), folders: index.foldersAt(folder) }));
    return {
      ...listed(newest.filter((version) => !isThere(jail, version.path))),
      folders: folders.filter(({ path }) => !isThere(jail, path)).slice(0, mostListedVersions),
    };
  }

  /** A version and its bytes. @throws {Failure} `version_not_found` */
  async read(siteId: number, id: string): Promise<{ readonly version: FileVersion; readonly bytes: Uint8Array }> {
    return this.#on(siteId, async (history) => {
      const found = history.index.find(id);
      const bytes = found === undefined ? undefined : await history.read(found.sha256);
      if (found === undefined || bytes === undefined) throw new Failure("version_not_found");
      return { version: versionOf(found), bytes };
    });
  }

  /** Another orchestrator has the site: what is in memory of its past is not true for long. */
  release(siteId: number): Promise<void> {
    return this.#lanes.run(siteId, async () => void this.#open.delete(siteId));
  }

  /** Deletes a site's past: the site is gone. */
  async forget(siteId: number): Promise<void> {
    await this.#lanes.run(siteId, async () => {
      this.#open.delete(siteId);
      await rm(this.#folderOf(siteId), { recursive: true, force: true });
    });
  }

  /** Removes what has grown too old, and what is left of sites that are gone. */
  async sweep(): Promise<void> {
    await mkdir(this.#deps.folder, { recursive: true, mode: 0o700 });
    for (const siteId of (await readdir(this.#deps.folder)).map(Number)) {
      if (!Number.isSafeInteger(siteId)) continue;
      if (siteId !== homeFolderId && !this.#deps.isHeld(siteId)) {
        if (this.#deps.isShared !== true) await this.forget(siteId);
        continue;
      }
      await this.#lanes.run(siteId, () => this.#look(siteId));
    }
  }

  #on<T>(siteId: number, act: (history: SiteHistory) => Promise<T>): Promise<T> {
    return this.#lanes.run(siteId, async () => {
      const history = this.#open.get(siteId) ?? (await SiteHistory.open(this.#folderOf(siteId), this.#deps.limits, this.#deps.clock.now()));
      this.#open.set(siteId, history);
      try {
        return await act(history);
      } catch (error) {
        // Half a line may stand in the file: opening it anew mends that.
        if (!(error instanceof Failure)) this.#open.delete(siteId);
        throw error;
      }
    });
  }

  async #look(siteId: number): Promise<void> {
    this.#open.delete(siteId);
    await SiteHistory.open(this.#folderOf(siteId), this.#deps.limits, this.#deps.clock.now());
  }

  async #quietly(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (err) {
      this.#deps.log.warn({ err }, "a version of a file could not be kept");
    }
  }

  async #isDiskFull(size: number): Promise<boolean> {
    await mkdir(this.#deps.folder, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = await statfs(this.#deps.folder);
    return bavail * bsize - size < this.#deps.reservedBytes;
  }

  #now(): string {
    return new Date(this.#deps.clock.now()).toISOString();
  }

  #folderOf(siteId: number): string {
    return join(this.#deps.folder, String(siteId));
  }
}

function listed(versions: readonly FileVersion[]): VersionList {
  return { versions: versions.slice(0, mostListedVersions), truncated: versions.length > mostListedVersions };
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function isThere(jail: Jail, path: string): boolean {
  try {
    return statPath(jail, path) !== undefined;
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}

function openQuietly<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch {
    // Deleted, swapped or closed to us since the walk came by.
    return undefined;
  }
}
