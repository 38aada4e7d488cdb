import { inAllDrafts, inDrafts } from "./draft-database.ts";
import { type Draft, type Drafts, draft, keyOfSite, type Owner } from "./drafts.ts";

// IndexedDB and not localStorage: a few large files would fill the latter, which the whole origin shares.

/** Where unsaved work is kept: of one person and one site. Every method rejects, in bounded time, where the browser keeps nothing. */
export interface DraftStore {
  all(): Promise<Drafts>;
  keep(path: string, draft: Draft): Promise<void>;
  drop(path: string): Promise<void>;
}

export function draftStoreOf({ user, site }: Owner): DraftStore {
  const keyOf = (path: string): IDBValidKey => [user, keyOfSite(site), path];
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
    keep: async (path, kept) => {
      if (!forgotten.has(user)) await inDrafts("readwrite", (drafts) => done(drafts.put({ ...kept, siteName: site.name }, keyOf(path))));
    },
    drop: (path) => inDrafts("readwrite", (drafts) => done(drafts.delete(keyOf(path)))),
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

/** People whose work is not kept any more: they have signed out, and no page of theirs may write what it still holds. */
const forgotten = new Set<string>();
const farewells = new BroadcastChannel("backlot-drafts");
farewells.onmessage = ({ data }) => void forgotten.add(String(data));

/** Deletes all unsaved work of a person from this browser, and keeps no more of it until the page is loaded anew. */
export async function forgetDrafts(user: string): Promise<void> {
  forgotten.add(user);
  farewells.postMessage(user);
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
