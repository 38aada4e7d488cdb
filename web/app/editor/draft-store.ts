import { type Draft, type Drafts, draft } from "./drafts.ts";

// IndexedDB and not localStorage: a few large files would fill the latter, which the whole origin shares.
const database = "backlot-drafts";
const table = "drafts";

/** Where unsaved work is kept: of one person and one site. Every method rejects where the browser forbids to keep anything. */
export interface DraftStore {
  all(): Promise<Drafts>;
  keep(path: string, draft: Draft): Promise<void>;
  drop(path: string): Promise<void>;
}

export function draftStoreOf(owner: { readonly user: string; readonly site: string }): DraftStore {
  const keyOf = (path: string): IDBValidKey => [owner.user, owner.site, path];
  const range = IDBKeyRange.bound([owner.user, owner.site], [owner.user, owner.site, []]);
  return {
    all: async () => {
      const found = new Map<string, Draft>();
      await inTable("readonly", async (drafts) => {
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
      if (!forgotten.has(owner.user)) await inTable("readwrite", (drafts) => done(drafts.put(kept, keyOf(path))));
    },
    drop: (path) => inTable("readwrite", (drafts) => done(drafts.delete(keyOf(path)))),
  };
}

/** Where a person has unsaved work in this browser. */
export async function draftsOf(user: string): Promise<readonly { readonly site: string; readonly path: string }[]> {
  const found: { site: string; path: string }[] = [];
  await inTable("readonly", async (drafts) => {
    for (const key of await done(drafts.getAllKeys(rangeOf(user))))
      if (Array.isArray(key) && typeof key[1] === "string" && typeof key[2] === "string") found.push({ site: key[1], path: key[2] });
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
  await inTable("readwrite", (drafts) => done(drafts.delete(rangeOf(user))));
}

function rangeOf(user: string): IDBKeyRange {
  return IDBKeyRange.bound([user], [user, []]);
}

let opened: Promise<IDBDatabase> | undefined;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(database, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(table);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB cannot be opened"));
  });
  return opened;
}

async function inTable(mode: IDBTransactionMode, work: (drafts: IDBObjectStore) => Promise<unknown>): Promise<void> {
  const transaction = (await open()).transaction(table, mode);
  const ended = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("the browser refused to keep the draft"));
  });
  await Promise.all([work(transaction.objectStore(table)), ended]);
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB refused"));
  });
}
