import { draftStoreOf } from "./draft-store.ts";
import { type Draft, type Drafts, fits, movedDrafts, type Owner } from "./drafts.ts";

/** Writes this long after the last key, in milliseconds: a reload loses no more. */
const settleMs = 400;

export interface DraftKeeper {
  all(): Promise<Drafts>;
  /** A file's text has changed; when it is as saved there is nothing to keep any more. */
  changed(path: string, isDirty: boolean): void;
  drop(path: string): void;
  /** Writes at once what waits: the page may be about to end. */
  flush(): void;
  moved(move: { readonly from: string; readonly to: string }): Promise<void>;
}

interface Deps {
  /** The unsaved work of a file; null when there is none. */
  readonly textOf: (path: string) => Omit<Draft, "at"> | null;
  /** Told after each attempt whether the browser keeps this file's unsaved work. */
  readonly kept: (path: string, isKept: boolean) => void;
}

/** Keeps unsaved work in the browser while it is typed. */
export function keepDrafts(owner: Owner, deps: Deps): DraftKeeper {
  const store = draftStoreOf(owner);
  let drafts: Drafts = new Map();
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  let reading: Promise<void> | undefined;
  const read = (): Promise<void> => {
    reading ??= store.all().then(
      (found) => {
        drafts = new Map([...found, ...drafts]);
      },
      // The browser keeps nothing for this page, or not now: there is no draft, and each new one is told to be unkept.
      () => {
        reading = undefined;
      },
    );
    return reading;
  };
  void read();
  const write = (path: string): void => {
    clearTimeout(timers.get(path));
    timers.delete(path);
    const unsaved = deps.textOf(path);
    if (unsaved === null) return;
    if (!fits(drafts, path, unsaved.text)) {
      deps.kept(path, false);
      return;
    }
    const kept = { ...unsaved, at: Date.now() };
    drafts = new Map(drafts).set(path, kept);
    store.keep(path, kept).then(
      () => deps.kept(path, true),
      () => deps.kept(path, false),
    );
  };
  const drop = (path: string): void => {
    clearTimeout(timers.get(path));
    timers.delete(path);
    if (!drafts.has(path)) return;
    drafts = new Map([...drafts].filter(([each]) => each !== path));
    // A draft that could not be dropped is compared with the site when the file is opened again.
    store.drop(path).catch(() => undefined);
  };
  const flush = (): void => {
    for (const path of [...timers.keys()]) write(path);
  };
  window.addEventListener("pagehide", flush);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && flush());
  return {
    all: () => read().then(() => drafts),
    changed: (path, isDirty) => {
      if (!isDirty) return drop(path);
      clearTimeout(timers.get(path));
      timers.set(
        path,
        setTimeout(() => write(path), settleMs),
      );
    },
    drop,
    flush,
    moved: async (move) => {
      flush();
      await read();
      const before = drafts;
      drafts = movedDrafts(drafts, move);
      const gone = [...before.keys()].filter((path) => !drafts.has(path));
      const come = [...drafts].filter(([path]) => !before.has(path));
      await Promise.allSettled([...come.map(([path, kept]) => store.keep(path, kept)), ...gone.map((path) => store.drop(path))]);
    },
  };
}
