/** Makes what was written durable, once for all who ask while the disk is busy with those before. */
export class SharedFlush {
  readonly #flush: () => Promise<void>;
  #current: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(flush: () => Promise<void>) {
    this.#flush = flush;
  }

  /** Resolves when what was written before this call is on the disk. */
  sync(): Promise<void> {
    // The one under way may have begun before the write: only the one after it covers it.
    if (this.#current === null) return this.#begin();
    this.#next ??= this.#current
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        return this.#begin();
      });
    return this.#next;
  }

  #begin(): Promise<void> {
    const current = this.#flush().finally(() => {
      if (this.#current === current) this.#current = null;
    });
    this.#current = current;
    return current;
  }
}
