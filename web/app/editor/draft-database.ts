/**
 * Chromium never answers an opening again, until it is started anew, when a page was left while it first made that database (a click in the
 * first second is enough). Such a database is empty: the next name takes its place, and stays the one that is used.
 */
const names = ["backlot-drafts", "backlot-drafts-2", "backlot-drafts-3"] as const;
const table = "drafts";

/** How long a new database may take before the next name is tried, in milliseconds. */
const newMs = 2_000;
/** How long one that may hold work may take before one goes on without it, in milliseconds. */
const knownMs = 6_000;

/** Those of the names that are there, first made first; null where the browser does not tell. */
async function present(): Promise<readonly string[] | null> {
  try {
    const found = new Set((await within(knownMs, indexedDB.databases())).map(({ name }) => name));
    return names.filter((name) => found.has(name));
  } catch {
    return null;
  }
}

let opened: Promise<IDBDatabase> | undefined;

/** Does something with the table of drafts, in one transaction. Rejects where the browser keeps nothing, and where it does not answer. */
export async function inDrafts(mode: IDBTransactionMode, work: (drafts: IDBObjectStore) => Promise<unknown>): Promise<void> {
  opened ??= open();
  // Asked again by whoever comes next: what failed once need not fail for as long as the page lives.
  opened.catch(() => (opened = undefined));
  await through(await opened, mode, work);
}

/** Does it with every database that is there: nothing of a person stays in one that is not used any more. */
export async function inAllDrafts(work: (drafts: IDBObjectStore) => Promise<unknown>): Promise<void> {
  await inDrafts("readwrite", work);
  const used = (await opened)?.name;
  for (const name of (await present()) ?? []) {
    if (name === used) continue;
    const connection = await connect(name, knownMs);
    await through(connection, "readwrite", work).finally(() => connection.close());
  }
}

async function through(connection: IDBDatabase, mode: IDBTransactionMode, work: (drafts: IDBObjectStore) => Promise<unknown>): Promise<void> {
  const transaction = connection.transaction(table, mode);
  const ended = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("the browser refused to keep the draft"));
  });
  await within(knownMs, Promise.all([work(transaction.objectStore(table)), ended]));
}

async function open(): Promise<IDBDatabase> {
  const known = await present();
  const last = known?.at(-1);
  if (last !== undefined) return connect(last, knownMs);
  if (known === null) return connect(names[0], knownMs);
  let problem: unknown;
  for (const name of names) {
    try {
      return await connect(name, newMs);
    } catch (error) {
      problem = error;
    }
  }
  throw problem;
}

function connect(name: string, patienceMs: number): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  let isLate = false;
  const answer = new Promise<IDBDatabase>((resolve, reject) => {
    request.onupgradeneeded = () => request.result.createObjectStore(table);
    request.onsuccess = () => {
      const connection = request.result;
      if (isLate) return connection.close();
      // Taken away by the browser: the next one who asks opens it again.
      connection.onclose = () => {
        opened = undefined;
      };
      resolve(connection);
    };
    request.onerror = () => reject(request.error ?? new Error("IndexedDB cannot be opened"));
  });
  return within(patienceMs, answer).catch((error: unknown) => {
    isLate = true;
    throw error;
  });
}

async function within<T>(patienceMs: number, answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the browser's database does not answer")), patienceMs);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
