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
    keep: (path, kept) => inTable("readwrite", (drafts) => done(drafts.put(kept, keyOf(path)))),
    drop: (path) => inTable("readwrite", (drafts) => done(drafts.delete(keyOf(path)))),
  };
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
