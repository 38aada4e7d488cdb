import type { DraftNews } from "./draft-channel.ts";
import { draftStoreOf } from "./draft-store.ts";
import { type Draft, type Drafts, fits, movedDrafts, type Owner } from "./drafts.ts";
import { isAtOrBelow, movedPath } from "./tabs.ts";

/** Writes this long after the last key, in milliseconds: a reload loses no more. */
const settleMs = 400;

export interface DraftKeeper {
  all(): Promise<Drafts>;
  /** A file's draft as the browser keeps it now, whichever page wrote it: from now on it is this page's to replace and to drop. */
  take(path: string): Promise<Draft | undefined>;
  /** A file's text has changed; when it is as saved there is nothing to keep any more. */
  changed(path: string, isDirty: boolean): void;
  drop(path: string): void;
  /** Writes at once what waits: the page may be about to end. */
  flush(): void;
  /** This page has moved a file or folder. */
  moved(move: Move): Promise<void>;
}

interface Move {
  readonly from: string;
  readonly to: string;
}

interface Deps {
  /** The unsaved work of a file; null when there is none. */
  readonly textOf: (path: string) => Omit<Draft, "at" | "page"> | null;
  /** Told after each attempt whether the browser keeps this file's unsaved work. */
  readonly kept: (path: string, isKept: boolean) => void;
  /** Another page has moved a file or folder: what is open goes with it, unless that is impossible, which is told. */
  readonly follow: (move: Move) => boolean;
}

/** This page among all that the browser shows, now or later. Browsers lack `crypto.randomUUID` where the dashboard is reached by plain HTTP. */
const page = crypto.getRandomValues(new Uint32Array(4)).join("-");

/** Keeps unsaved work in the browser while it is typed. Which page may write and drop what: docs/decisions/0069. */
export function keepDrafts(owner: Owner, deps: Deps): DraftKeeper {
  const keeper = new Keeper(owner, deps);
  window.addEventListener("pagehide", () => keeper.flush());
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && keeper.flush());
  return keeper;
}

class Keeper implements DraftKeeper {
  readonly #store: ReturnType<typeof draftStoreOf>;
  readonly #deps: Deps;
  /** What the browser keeps, as far as this page has heard. */
  #drafts: Drafts = new Map();
  /** Which drafts of other pages, or of former ones, this page goes on with. */
  #taken: ReadonlyMap<string, Pick<Draft, "at" | "page">> = new Map();
  /** Files whose unsaved work the browser does not keep. */
  #unkept: ReadonlySet<string> = new Set();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #reading: Promise<boolean> | undefined;

  constructor(owner: Owner, deps: Deps) {
    this.#store = draftStoreOf(owner);
    this.#deps = deps;
    this.#store.hear((told) => void this.#hear(told));
    void this.#read();
  }

  async all(): Promise<Drafts> {
    await this.#read();
    return this.#drafts;
  }

  async take(path: string): Promise<Draft | undefined> {
    // What could not be written is only here.
    if ((await this.#read()) && !(this.#unkept.has(path) && this.#drafts.get(path)?.page === page)) await this.#refresh(path);
    const found = this.#drafts.get(path);
    if (found !== undefined) this.#taken = new Map(this.#taken).set(path, { at: found.at, page: found.page });
    return found;
  }

  changed(path: string, isDirty: boolean): void {
    if (!isDirty) {
      this.drop(path);
      return;
    }
    clearTimeout(this.#timers.get(path));
    this.#timers.set(
      path,
      setTimeout(() => this.#write(path), settleMs),
    );
  }

  drop(path: string): void {
    this.#stopTimer(path);
    this.#unkept = new Set([...this.#unkept].filter((each) => each !== path));
    const there = this.#drafts.get(path);
    if (there === undefined || !this.#isOurs(path, there)) return;
    this.#put(path, undefined);
    // A draft that could not be dropped is compared with the site when the file is opened again.
    this.#store.drop(path, (found) => this.#isOurs(path, found)).catch(() => undefined);
  }

  flush(): void {
    for (const path of [...this.#timers.keys()]) this.#write(path);
  }

  async moved(move: Move): Promise<void> {
    this.flush();
    await this.#read();
    this.#rename(move);
    // What could not be moved is found under its old name.
    await this.#store.move(move).catch(() => undefined);
  }

  #rename(move: Move): void {
    this.#drafts = movedDrafts(this.#drafts, move);
    this.#taken = new Map([...this.#taken].map(([path, each]) => [movedPath(path, move), each]));
    this.#unkept = new Set([...this.#unkept].map((path) => movedPath(path, move)));
  }

  /** Another page has moved a file or folder, and the drafts with it. */
  async #follow(move: Move): Promise<void> {
    await this.#read();
    const isMoved = (path: string): boolean => isAtOrBelow(path, move.from);
    const waiting = [...this.#timers.keys()].filter(isMoved);
    const own = [...this.#drafts].filter(([path, { page: by }]) => isMoved(path) && by === page && !this.#drafts.has(movedPath(path, move)));
    // What stays is kept under its own name again, as soon as it is told that the draft went from there.
    if (!this.#deps.follow(move)) return;
    this.#rename(move);
    for (const path of waiting) {
      this.#stopTimer(path);
      this.#write(movedPath(path, move));
    }
    for (const [path] of own) await this.#bringLate(path, movedPath(path, move));
  }

  /** What this page wrote by the old name after the other one had moved the drafts goes to the new name, too. */
  async #bringLate(from: string, to: string): Promise<void> {
    try {
      const late = await this.#store.get(from);
      const now = this.#drafts.get(to);
      // Unless another file is there by now, which this page has typed into as well.
      if (late?.page !== page || now?.page !== page || this.#drafts.has(from)) return;
      await this.#store.keep(to, now);
      await this.#store.drop(from, (found) => found.page === page && found.at === late.at);
    } catch {
      // It is found under its old name.
    }
  }

  /** Whether the browser's drafts could be read. */
  #read(): Promise<boolean> {
    this.#reading ??= this.#store.all().then(
      (found) => {
        this.#drafts = new Map([...found, ...this.#drafts]);
        return true;
      },
      // The browser keeps nothing for this page, or not now: there is no draft, and each new one is told to be unkept.
      () => {
        this.#reading = undefined;
        return false;
      },
    );
    return this.#reading;
  }

  async #refresh(path: string): Promise<void> {
    const before = this.#drafts.get(path);
    try {
      const found = await this.#store.get(path);
      // Written by this page meanwhile: that is newer.
      if (this.#drafts.get(path) === before) this.#put(path, found);
    } catch {
      // The browser does not answer now: what was last heard of it counts.
    }
  }

  #write(path: string): void {
    this.#stopTimer(path);
    const unsaved = this.#deps.textOf(path);
    if (unsaved === null) return;
    const there = this.#drafts.get(path);
    // There is one place for a file: what another page keeps there is not overwritten, only told apart by a person.
    const isTaken = there !== undefined && !this.#isOurs(path, there);
    if (isTaken || !fits(this.#drafts, path, unsaved.text)) {
      this.#told(path, false);
      return;
    }
    const kept = { ...unsaved, at: Date.now(), page };
    this.#put(path, kept);
    this.#store.keep(path, kept).then(
      () => this.#told(path, true),
      () => this.#told(path, false),
    );
  }

  /** Another page has changed a draft, or the person has signed out or in again somewhere. */
  async #hear(told: DraftNews): Promise<void> {
    const ofThisPage = (paths: Iterable<string>): readonly string[] => [...paths].filter((path) => this.#deps.textOf(path) !== null);
    if (told.kind === "left") {
      const lost = ofThisPage(this.#drafts.keys());
      this.#drafts = new Map();
      for (const path of lost) this.#told(path, false);
    } else if (told.kind === "back") {
      for (const path of ofThisPage(this.#unkept)) this.#write(path);
    } else if (told.kind === "moved") {
      await this.#follow(told);
    } else {
      await this.#refresh(told.path);
      if (ofThisPage([told.path]).length === 0) return;
      const found = this.#drafts.get(told.path);
      // The place is free, be it that the other page gave up what it had taken over from this one.
      if (found === undefined) this.#write(told.path);
      else if (!this.#isOurs(told.path, found)) this.#told(told.path, false);
    }
  }

  #isOurs(path: string, there: Draft): boolean {
    const taken = this.#taken.get(path);
    return there.page === page || (taken !== undefined && taken.at === there.at && taken.page === there.page);
  }

  #told(path: string, isKept: boolean): void {
    this.#unkept = new Set(isKept ? [...this.#unkept].filter((each) => each !== path) : [...this.#unkept, path]);
    this.#deps.kept(path, isKept);
  }

  #put(path: string, found: Draft | undefined): void {
    const others = [...this.#drafts].filter(([each]) => each !== path);
    this.#drafts = new Map(found === undefined ? others : [...others, [path, found]]);
  }

  #stopTimer(path: string): void {
    clearTimeout(this.#timers.get(path));
    this.#timers.delete(path);
  }
}
