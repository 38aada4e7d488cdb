interface Waiting<Item, Key> {
  readonly item: Item;
  readonly asked: PromiseWithResolvers<ReadonlySet<Key>>;
}

/** What one statement takes at most. */
const mostAtOnce = 100;

/** Writes what several ask for at the same time in one go: whoever comes while a write is under way goes with the next one. A single one never waits. */
export class Gathered<Item, Key> {
  readonly #write: (items: readonly Item[]) => Promise<ReadonlySet<Key>>;
  #waiting: Waiting<Item, Key>[] = [];
  #isBusy = false;

  /** `write` gives the keys of what was written. */
  constructor(write: (items: readonly Item[]) => Promise<ReadonlySet<Key>>) {
    this.#write = write;
  }

  /** Resolves when it was written, with all that was written with it. */
  add(item: Item): Promise<ReadonlySet<Key>> {
    const asked = Promise.withResolvers<ReadonlySet<Key>>();
    this.#waiting.push({ item, asked });
    if (!this.#isBusy) void this.#work();
    return asked.promise;
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    while (this.#waiting.length > 0) await this.#writeSome(this.#waiting.splice(0, mostAtOnce));
    this.#isBusy = false;
  }

  /** One that cannot be written must not take the others along: then each is tried by itself. */
  async #writeSome(some: readonly Waiting<Item, Key>[]): Promise<void> {
    try {
      const written = await this.#write(some.map(({ item }) => item));
      for (const { asked } of some) asked.resolve(written);
    } catch (error) {
      if (some.length === 1) some[0]?.asked.reject(error);
      else for (const one of some) await this.#writeSome([one]);
    }
  }
}
