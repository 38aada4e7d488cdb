import { Failure } from "#contract/failure.ts";

interface Waiting<Item, Written> {
  readonly item: Item;
  readonly asked: PromiseWithResolvers<Written>;
}

/** What one statement takes at most. */
const mostAtOnce = 100;

/** Writes what several ask for at the same time in one go: whoever comes while a write is under way goes with the next one. A single one never waits. */
export class Gathered<Item, Written> {
  readonly #write: (items: readonly Item[]) => Promise<Written>;
  #waiting: Waiting<Item, Written>[] = [];
  #isBusy = false;

  /** `write` says what was written of these. */
  constructor(write: (items: readonly Item[]) => Promise<Written>) {
    this.#write = write;
  }

  /** Resolves when it was written, with what was said of all that was written with it. */
  add(item: Item): Promise<Written> {
    const asked = Promise.withResolvers<Written>();
    this.#waiting.push({ item, asked });
    if (!this.#isBusy) void this.#work();
    return asked.promise;
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    while (this.#waiting.length > 0) await this.#writeSome(this.#waiting.splice(0, mostAtOnce));
    this.#isBusy = false;
  }

  /** One that cannot be written must not take the others along: then each is tried by itself. When the line broke nobody knows what was written: they are not tried again. */
  async #writeSome(some: readonly Waiting<Item, Written>[]): Promise<void> {
    try {
      const written = await this.#write(some.map(({ item }) => item));
      for (const { asked } of some) asked.resolve(written);
    } catch (error) {
      const isUnclear = error instanceof Failure && error.code === "component_away";
      if (some.length === 1 || isUnclear) for (const { asked } of some) asked.reject(error);
      else for (const one of some) await this.#writeSome([one]);
    }
  }
}
