/** Does one thing after the other, in the order in which they were asked for. */
export class Lane {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Whether something is under way. */
  get isBusy(): boolean {
    return this.#waiting > 0;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const result = this.#last.then(work).finally(() => {
      this.#waiting -= 1;
    });
    // Whoever comes next waits for the end, however it ends; the error belongs to this caller alone.
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** A lane for each key, forgotten when it is empty. */
export class Lanes<K> {
  readonly #lanes = new Map<K, { readonly lane: Lane; waiting: number }>();

  async run<T>(key: K, work: () => Promise<T>): Promise<T> {
    const entry = this.#lanes.get(key) ?? { lane: new Lane(), waiting: 0 };
    this.#lanes.set(key, entry);
    entry.waiting += 1;
    try {
      return await entry.lane.run(work);
    } finally {
      entry.waiting -= 1;
      if (entry.waiting === 0) this.#lanes.delete(key);
    }
  }
}
