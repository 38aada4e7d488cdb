type Key = readonly string[];
interface Range {
  readonly prefix: Key;
}
interface Request {
  result: unknown;
  onsuccess?: () => void;
  onupgradeneeded?: () => void;
}

/** As much of a browser's database as drafts need: one table, and one transaction after the other. */
export class BrowserDatabase {
  readonly #values = new Map<string, unknown>();
  #last: Promise<void> = Promise.resolve();
  #isMade = false;

  /** What a page finds under the names that browsers give it. */
  readonly globals = {
    IDBKeyRange: { bound: (prefix: Key): Range => ({ prefix }) },
    indexedDB: { databases: async () => (this.#isMade ? [{ name: "backlot-drafts" }] : []), open: () => this.#open() },
  };

  /** The texts of drafts by the paths of their files, of all people and sites. */
  texts(): Record<string, string> {
    const found = [...this.#values].map(([key, value]) => [(JSON.parse(key) as Key)[2], (value as { text: string }).text]);
    return Object.fromEntries(found) as Record<string, string>;
  }

  #open(): Request {
    const request: Request = {
      result: { name: "backlot-drafts", createObjectStore: () => undefined, transaction: () => this.#transaction(), close: () => undefined },
    };
    setImmediate(() => {
      if (!this.#isMade) request.onupgradeneeded?.();
      this.#isMade = true;
      request.onsuccess?.();
    });
    return request;
  }

  #transaction(): { oncomplete?: () => void; objectStore: () => unknown } {
    const waiting: (() => void)[] = [];
    const ask = (work: () => unknown): Request => {
      const request: Request = { result: undefined };
      waiting.push(() => {
        request.result = structuredClone(work());
        request.onsuccess?.();
      });
      return request;
    };
    const transaction: { oncomplete?: () => void; objectStore: () => unknown } = { objectStore: () => this.#table(ask) };
    this.#last = this.#last.then(async () => {
      const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
      await turn();
      for (let work = waiting.shift(); work !== undefined; work = waiting.shift()) {
        work();
        // Whoever waited for the answer may ask for more in the same transaction.
        await turn();
      }
      transaction.oncomplete?.();
    });
    return transaction;
  }

  #table(ask: (work: () => unknown) => Request) {
    const nameOf = (key: Key): string => JSON.stringify(key);
    const keysIn = ({ prefix }: Range): Key[] =>
      [...this.#values.keys()].map((name) => JSON.parse(name) as Key).filter((key) => prefix.every((part, index) => key[index] === part));
    return {
      get: (key: Key) => ask(() => this.#values.get(nameOf(key))),
      getKey: (key: Key) => ask(() => (this.#values.has(nameOf(key)) ? key : undefined)),
      getAll: (range: Range) => ask(() => keysIn(range).map((key) => this.#values.get(nameOf(key)))),
      getAllKeys: (range: Range) => ask(() => keysIn(range)),
      put: (value: unknown, key: Key) => ask(() => void this.#values.set(nameOf(key), structuredClone(value))),
      delete: (key: Key | Range) => ask(() => ("prefix" in key ? keysIn(key) : [key]).forEach((each) => void this.#values.delete(nameOf(each)))),
    };
  }
}
