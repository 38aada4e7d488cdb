import { type FSWatcher, watch } from "node:fs";
import { basename } from "node:path";
import type { SiteChange } from "#contract/api/files.ts";
import { Failure } from "#contract/failure.ts";
import { steadyNow } from "#kit/clock.ts";
import { at, codeOf } from "#kit/jail/descriptor.ts";
import type { Jail } from "#kit/jail/jail.ts";
import { openFolder } from "#kit/jail/list-folder.ts";
import { withLock } from "#kit/jail/path-lock.ts";
import { isReservedName } from "#kit/jail/temporary-name.ts";

/** How long changes gather before they are told, and how often the folders themselves are looked at. */
const pace = { gatherMs: 200, lookMs: 2_000, quietMs: 15_000 };
/** So many events a second come of all folders of one stream; one that gives more is only looked at for a while. Each costs time, which a program takes for nothing. */
const mostEvents = 500;
const restMs = 5_000;
/** Looks of all streams take turns, and after each comes a rest of so many times what it took: many deep folders do not keep everybody else waiting. */
const restsPerLook = 4;
/** Names that are told of one folder at a time; more are "many". */
const mostNames = 50;

/**
 * Changes of the entries of a few folders, whoever makes them, until the signal is aborted; null after a while without any. Each folder is watched
 * by its inode, opened through the jail, so that no link leads the watch elsewhere; one that was swapped is found at the next look.
 */
export async function* watchFolders(jail: Jail, folders: readonly string[], signal: AbortSignal): AsyncGenerator<SiteChange | null> {
  const watched = new WatchedFolders(jail, folders);
  try {
    yield { type: "open" };
    while (!signal.aborted) {
      const changes = await watched.next(signal);
      if (changes.length === 0 && !signal.aborted) yield null;
      yield* changes;
    }
  } finally {
    watched.close();
  }
}

interface Watched {
  readonly path: string;
  watcher: FSWatcher | undefined;
  /** Which folder this is, and when its entries changed; null while there is none. */
  seen: { readonly identity: string; readonly changedMs: number } | null;
  /** Not watched until then, since too much happens in it; null: nothing of the kind. */
  restsUntil: number | null;
}

class WatchedFolders {
  readonly #jail: Jail;
  readonly #folders: readonly Watched[];
  readonly #pending = new Map<string, Set<string> | null | "gone">();
  readonly #timer: NodeJS.Timeout;
  readonly #closed = new AbortController();
  #soon: NodeJS.Timeout | undefined;
  #waitsForTurn = false;
  #counted = { fromMs: 0, events: 0 };
  #wake: () => void = () => undefined;

  constructor(jail: Jail, folders: readonly string[]) {
    this.#jail = jail;
    this.#folders = folders.map((path) => ({ path, watcher: undefined, seen: null, restsUntil: null }));
    for (const folder of this.#folders) if (!this.#attach(folder)) this.#tell(folder.path, "gone");
    this.#timer = setInterval(() => this.#askForLook(), pace.lookMs).unref();
  }

  /** What has changed since; nothing when it was quiet for long or the signal was aborted. */
  async next(signal: AbortSignal): Promise<SiteChange[]> {
    if (this.#pending.size === 0) await this.#news(signal, pace.quietMs);
    if (this.#pending.size > 0) await rest(pace.gatherMs, signal);
    const changes = [...this.#pending].map(
      ([folder, what]): SiteChange => (what === "gone" ? { type: "gone", folder } : { type: "changed", folder, names: what === null ? null : [...what] }),
    );
    this.#pending.clear();
    return changes;
  }

  close(): void {
    this.#closed.abort();
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    for (const folder of this.#folders) folder.watcher?.close();
  }

  #askForLook(): void {
    if (this.#waitsForTurn) return;
    this.#waitsForTurn = true;
    void withLock("looks at watched folders", async () => {
      this.#waitsForTurn = false;
      if (this.#closed.signal.aborted) return;
      const beganAt = performance.now();
      this.#look();
      await rest(restsPerLook * (performance.now() - beganAt), this.#closed.signal);
    });
  }

  // A folder that was swapped, moved or made again is another one; what cannot be watched is at least looked at.
  #look(): void {
    for (const folder of this.#folders) {
      const before = folder.seen;
      const now = this.#glance(folder.path);
      if (before?.identity !== now?.identity) {
        folder.watcher?.close();
        folder.watcher = undefined;
        folder.seen = null;
        this.#tell(folder.path, this.#attach(folder) ? null : "gone");
      } else if (folder.watcher === undefined && now !== null && now.changedMs !== before?.changedMs) {
        folder.seen = now;
        this.#tell(folder.path, null);
      }
      if (folder.restsUntil !== null && steadyNow() >= folder.restsUntil) this.#watchAgain(folder);
    }
  }

  // What happened while nobody watched is not known.
  #watchAgain(folder: Watched): void {
    folder.restsUntil = null;
    if (folder.watcher === undefined && folder.seen !== null) this.#tell(folder.path, this.#attach(folder) ? null : "gone");
  }

  #glance(path: string): Watched["seen"] {
    try {
      using folder = openFolder(this.#jail, path);
      const { dev, ino, mtimeMs } = folder.stat();
      return { identity: `${dev}:${ino}`, changedMs: mtimeMs };
    } catch (error) {
      if (error instanceof Failure || codeOf(error) !== "") return null;
      throw error;
    }
  }

  #attach(folder: Watched): boolean {
    try {
      using opened = openFolder(this.#jail, folder.path);
      const { dev, ino, mtimeMs } = opened.stat();
      folder.seen = { identity: `${dev}:${ino}`, changedMs: mtimeMs };
      if (folder.restsUntil !== null) return true;
      const place = at(opened.fd);
      // The system watches the inode; the descriptor is only how it is found.
      folder.watcher = watch(place, { persistent: false, encoding: "buffer" }, (_event, name) => this.#heard(folder, name, basename(place)));
      folder.watcher.on("error", () => this.#unwatch(folder));
      return true;
    } catch (error) {
      // No watches left: looking has to do.
      if (["ENOSPC", "EMFILE", "ENFILE"].includes(codeOf(error)) && folder.seen !== null) return true;
      if (error instanceof Failure || codeOf(error) !== "") {
        folder.seen = null;
        return false;
      }
      throw error;
    }
  }

  #unwatch(folder: Watched): void {
    folder.watcher?.close();
    folder.watcher = undefined;
  }

  #heard(folder: Watched, name: Buffer | null, self: string): void {
    if (this.#isTooMuch()) {
      this.#unwatch(folder);
      folder.restsUntil = steadyNow() + restMs;
      this.#tell(folder.path, null);
      return;
    }
    const text = name?.toString("utf8");
    if (text !== undefined && isReservedName(text)) return;
    // What happens to the folder itself comes under the name by which it was opened.
    const isUnknown = text === undefined || text === self;
    this.#tell(folder.path, isUnknown ? null : text);
    // Not at once: a program can change a folder's mode as often as it likes.
    if (isUnknown) this.#soon ??= setTimeout(() => this.#lookedSoon(), pace.gatherMs).unref();
  }

  #lookedSoon(): void {
    this.#soon = undefined;
    this.#askForLook();
  }

  #isTooMuch(): boolean {
    const now = steadyNow();
    if (now - this.#counted.fromMs >= 1_000) this.#counted = { fromMs: now, events: 0 };
    this.#counted.events += 1;
    return this.#counted.events > mostEvents;
  }

  #tell(path: string, what: string | null): void {
    const known = this.#pending.get(path);
    if (what === "gone" || known === null) this.#pending.set(path, what === "gone" ? "gone" : null);
    else if (what === null) this.#pending.set(path, null);
    else if (known === undefined || known === "gone") this.#pending.set(path, new Set([what]));
    else if (known.size < mostNames) known.add(what);
    else this.#pending.set(path, null);
    this.#wake();
  }

  async #news(signal: AbortSignal, ms: number): Promise<void> {
    const slept = new AbortController();
    await Promise.race([
      new Promise<void>((resolve) => {
        this.#wake = resolve;
      }),
      rest(ms, AbortSignal.any([signal, slept.signal])),
    ]);
    slept.abort();
  }
}

function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms).unref();
    signal.addEventListener("abort", end, { once: true });
  });
}
