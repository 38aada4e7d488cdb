import { type DraftNews, hasLeft, hearDrafts, tellAll, tellOthers } from "./draft-channel.ts";
import { inAllDrafts, inDrafts } from "./draft-database.ts";
import { type Draft, type Drafts, draft, keyOfSite, type Owner } from "./drafts.ts";
import { isAtOrBelow, movedPath } from "./tabs.ts";

// IndexedDB and not localStorage: a few large files would fill the latter, which the whole origin shares.

/**
 * Where unsaved work is kept: of one person and one site. All pages of the browser share it. Every method that waits rejects, in bounded time,
 * where the browser keeps nothing.
 */
interface DraftStore {
  all(): Promise<Drafts>;
  get(path: string): Promise<Draft | undefined>;
  keep(path: string, draft: Draft): Promise<void>;
  /** Drops a draft if it is the one that is meant: another page may have kept another in its place. */
  drop(path: string, isMeant: (there: Draft) => boolean): Promise<void>;
  /** A draft whose new place is taken stays where it is. Other pages are told, whether or not there were drafts. */
  move(move: { readonly from: string; readonly to: string }): Promise<void>;
  /** Hears what other pages do here, and of the person's coming and going. */
  hear(listener: (told: DraftNews) => void): void;
}

export function draftStoreOf({ user, site }: Owner): DraftStore {
  const siteKey = keyOfSite(site);
  const keyOf = (path: string): IDBValidKey => [user, siteKey, path];
  const tell = (path: string): void => tellOthers({ kind: "changed", user, site: siteKey, path });
  return {
    all: async () => {
      const found = new Map<string, Draft>();
      await inDrafts("readwrite", async (drafts) => {
        await adopt(drafts, { user, site });
        const range = rangeOf(user, keyOfSite(site));
        const [keys, values] = await Promise.all([done(drafts.getAllKeys(range)), done(drafts.getAll(range))]);
        keys.forEach((key, index) => {
          // What another version of this page kept in another shape is left alone.
          const kept = draft.safeParse(values[index]);
          if (Array.isArray(key) && typeof key[2] === "string" && kept.success) found.set(key[2], kept.data);
        });
      });
      return found;
    },
    get: async (path) => {
      let found: Draft | undefined;
      await inDrafts("readonly", async (drafts) => {
        found = draft.safeParse(await done(drafts.get(keyOf(path)))).data;
      });
      return found;
    },
    keep: async (path, kept) => {
      const isLeft = new Error("the person has signed out");
      if (hasLeft(user)) throw isLeft;
      await inDrafts("readwrite", (drafts) => done(drafts.put({ ...kept, siteName: site.name }, keyOf(path))));
      tell(path);
      if (!hasLeft(user)) return;
      // Signed out meanwhile, perhaps after everything was deleted.
      await inDrafts("readwrite", (drafts) => done(drafts.delete(keyOf(path))));
      throw isLeft;
    },
    drop: async (path, isMeant) => {
      await inDrafts("readwrite", async (drafts) => {
        const there = draft.safeParse(await done(drafts.get(keyOf(path))));
        if (!there.success || isMeant(there.data)) await done(drafts.delete(keyOf(path)));
      });
      tell(path);
    },
    move: async (move) => {
      const touched: string[] = [];
      const moved = inDrafts("readwrite", async (drafts) => {
        const range = rangeOf(user, siteKey);
        const [keys, values] = await Promise.all([done(drafts.getAllKeys(range)), done(drafts.getAll(range))]);
        const taken = new Set(keys.map((key) => (Array.isArray(key) ? key[2] : undefined)));
        for (const [index, key] of keys.entries()) {
          if (!Array.isArray(key) || typeof key[2] !== "string" || !isAtOrBelow(key[2], move.from)) continue;
          const to = movedPath(key[2], move);
          if (taken.has(to)) continue;
          await Promise.all([done(drafts.put(values[index], keyOf(to))), done(drafts.delete(key))]);
          touched.push(key[2], to);
        }
      });
      await moved.finally(() => {
        // First: pages that follow the file look for its draft where both are now.
        tellOthers({ kind: "moved", user, site: siteKey, from: move.from, to: move.to });
        for (const path of touched) tell(path);
      });
    },
    hear: (listener) => hearDrafts((told) => told.user === user && (!("site" in told) || told.site === siteKey) && listener(told)),
  };
}

/** Until version 1 drafts were kept by their site's name: they go with the site that bears it, where nothing newer is in their place. */
async function adopt(drafts: IDBObjectStore, { user, site }: Owner): Promise<void> {
  const range = rangeOf(user, site.name);
  const [keys, values] = await Promise.all([done(drafts.getAllKeys(range)), done(drafts.getAll(range))]);
  for (const [index, key] of keys.entries()) {
    if (!Array.isArray(key) || typeof key[2] !== "string") continue;
    const place = [user, keyOfSite(site), key[2]];
    if ((await done(drafts.getKey(place))) === undefined) await done(drafts.put(values[index], place));
    await done(drafts.delete(key));
  }
}

/** Where a person has unsaved work in this browser. */
export async function draftsOf(user: string): Promise<readonly { readonly site: string; readonly path: string }[]> {
  const found: { site: string; path: string }[] = [];
  await inDrafts("readonly", async (drafts) => {
    const [keys, values] = await Promise.all([done(drafts.getAllKeys(rangeOf(user))), done(drafts.getAll(rangeOf(user)))]);
    for (const [index, key] of keys.entries()) {
      if (!Array.isArray(key) || typeof key[1] !== "string" || typeof key[2] !== "string") continue;
      found.push({ site: draft.safeParse(values[index]).data?.siteName ?? key[1], path: key[2] });
    }
  });
  return found;
}

/** Deletes all unsaved work of a person from this browser. No page of it keeps more until the person signs in again. */
export async function forgetDrafts(user: string): Promise<void> {
  tellAll({ kind: "left", user });
  await inAllDrafts((drafts) => done(drafts.delete(rangeOf(user))));
}

function rangeOf(...of: readonly string[]): IDBKeyRange {
  return IDBKeyRange.bound([...of], [...of, []]);
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB refused"));
  });
}
