import { z } from "zod";
import { isLeft } from "../leaving.ts";
import { createStore, type Store } from "../store.ts";
import { keyOfSite, type Owner } from "./drafts.ts";
import { layoutKeyOf } from "./kept-layouts.ts";
import { EditorSession } from "./session.ts";
import { isAtOrBelow, maxTabs, movedPath, neighbourOf, openTab } from "./tabs.ts";

/** What of the workbench stays over reloads, of one person and one site. */
const layout = z.object({
  tabs: z
    .array(z.string())
    .max(maxTabs * 2)
    .catch([]),
  expanded: z.array(z.string()).max(200).catch([]),
  last: z.string().nullable().catch(null),
});
type Layout = z.output<typeof layout>;

/** Tabs, open folders and open files of one person in one site. */
export class Workbench {
  readonly session: EditorSession;
  readonly tabs: Store<readonly string[]>;
  readonly expanded: Store<ReadonlySet<string>>;
  /** The file that was looked at last. */
  last: string | null;
  readonly #key: string;
  /** The file that a page shows now, whichever page of the dashboard is there by then. */
  #shown: { path: string; readonly follow: (path: string) => void } | null = null;

  constructor(owner: Owner) {
    this.#key = `${layoutKeyOf(owner.user)}${keyOfSite(owner.site)}`;
    this.#adopt(`${layoutKeyOf(owner.user)}${owner.site.name}`);
    const kept = this.#read();
    this.session = new EditorSession(owner, (move) => this.#follow(move));
    this.tabs = createStore<readonly string[]>(kept.tabs);
    this.expanded = createStore<ReadonlySet<string>>(new Set(kept.expanded));
    this.last = kept.last;
    this.tabs.subscribe(() => this.#keep());
    this.expanded.subscribe(() => this.#keep());
  }

  /** Shows a file: its tab is there, and it is read unless it was. */
  show(path: string): void {
    const isNeeded = (each: string): boolean => this.session.isDirty(each);
    this.tabs.set((tabs) => openTab(tabs, path, { after: this.last, isNeeded }));
    this.last = path;
    this.#keep();
    const open = this.tabs.get();
    for (const each of this.session.files.get().keys()) if (!open.includes(each)) this.session.close(each, false);
    void this.session.open(path);
  }

  /** Closes a tab; gives the one to show instead. */
  close(path: string, isForGood: boolean): string | null {
    const next = neighbourOf(this.tabs.get(), path);
    this.session.close(path, isForGood);
    this.tabs.set((tabs) => tabs.filter((each) => each !== path));
    if (this.last === path) this.last = next;
    this.#keep();
    return next;
  }

  /** A page shows this file from now on; `follow` has it show the file where it is moved to. Gives how to end that. */
  shows(path: string, follow: (path: string) => void): () => void {
    const shown = { path, follow };
    this.#shown = shown;
    return () => {
      if (this.#shown === shown) this.#shown = null;
    };
  }

  moved(move: { readonly from: string; readonly to: string }): void {
    this.session.moved(move);
    this.#follow(move);
  }

  /** What is open has another name now: tabs, folders and the page that is shown follow. */
  #follow(move: { readonly from: string; readonly to: string }): void {
    // A tab of what was there before gives way.
    this.tabs.set((tabs) => [...new Set(tabs.map((path) => movedPath(path, move)))]);
    this.expanded.set((folders) => new Set([...folders].map((path) => movedPath(path, move))));
    if (this.last !== null) this.last = movedPath(this.last, move);
    this.#keep();
    // Whoever is elsewhere by now, perhaps in a form, stays there.
    const shown = this.#shown;
    if (shown === null || !isAtOrBelow(shown.path, move.from)) return;
    // The address follows a little later; the next move may come before.
    shown.path = movedPath(shown.path, move);
    shown.follow(shown.path);
  }

  /** A file or folder was deleted: its tabs go, those with unsaved work stay. */
  deleted(place: string): void {
    for (const path of this.tabs.get()) {
      if (!isAtOrBelow(path, place)) continue;
      if (this.session.isDirty(path)) void this.session.checkDisk(path);
      // Not for good: the browser may keep unsaved work of a tab that was not opened yet, and the deletion may be taken back.
      else this.close(path, false);
    }
    this.setExpanded([...this.expanded.get()].filter((folder) => !isAtOrBelow(folder, place)));
  }

  setExpanded(folders: Iterable<string>): void {
    this.expanded.set(new Set(folders));
  }

  expand(...folders: readonly string[]): void {
    if (folders.some((folder) => !this.expanded.get().has(folder))) this.setExpanded([...this.expanded.get(), ...folders]);
  }

  toggle(folder: string): void {
    const open = this.expanded.get();
    this.setExpanded(open.has(folder) ? [...open].filter((each) => each !== folder) : [...open, folder]);
  }

  /** It was kept by the site's name once, which another site may bear next. */
  #adopt(oldKey: string): void {
    try {
      const old = localStorage.getItem(oldKey);
      if (old === null) return;
      if (localStorage.getItem(this.#key) === null) localStorage.setItem(this.#key, old);
      localStorage.removeItem(oldKey);
    } catch {
      // Forbidden: nothing was kept.
    }
  }

  #read(): Layout {
    try {
      return layout.parse(JSON.parse(localStorage.getItem(this.#key) ?? "{}"));
    } catch {
      // Forbidden, or of another version: one begins without tabs.
      return layout.parse({});
    }
  }

  #keep(): void {
    const kept: Layout = { tabs: [...this.tabs.get()], expanded: [...this.expanded.get()].slice(-200), last: this.last };
    try {
      localStorage.setItem(this.#key, JSON.stringify(kept));
    } catch {
      // Forbidden or full: tabs then last as long as the page.
    }
  }
}

const workbenches = new Map<string, Workbench>();

/** The workbench of a person and a site: the same one whenever that site's files are shown, by whatever name. */
export function workbenchOf(owner: Owner): Workbench {
  const key = `${owner.user}/${keyOfSite(owner.site)}`;
  const known = workbenches.get(key) ?? new Workbench(owner);
  workbenches.set(key, known);
  known.session.site = owner.site.name;
  return known;
}

// Drafts stay in this browser; whoever goes on at another computer would miss them.
window.addEventListener("beforeunload", (event) => {
  if (!isLeft() && [...workbenches.values()].some(({ session }) => session.hasUnsaved())) event.preventDefault();
});
