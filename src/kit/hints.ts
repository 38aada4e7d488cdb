/** Wakes whoever waits for news about a key. A hint carries nothing: the waiter looks for itself. */
export class Hints {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Wakes all who wait for this key. */
  notify(key: string): void {
    for (const wake of [...(this.#waiting.get(key) ?? [])]) wake();
  }

  /** Wakes all, whatever they wait for: hints may have been lost. */
  notifyAll(): void {
    for (const key of [...this.#waiting.keys()]) this.notify(key);
  }

  /** Resolves at the next hint, after `maxMs`, or when the signal is aborted. Begin to wait before looking: no hint is then missed. */
  wait(key: string, options: { readonly maxMs: number; readonly signal: AbortSignal }): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        options.signal.removeEventListener("abort", done);
        const waiters = this.#waiting.get(key);
        waiters?.delete(done);
        if (waiters?.size === 0) this.#waiting.delete(key);
        resolve();
      };
      const timer = setTimeout(done, options.maxMs);
      const waiters = this.#waiting.get(key) ?? new Set();
      waiters.add(done);
      this.#waiting.set(key, waiters);
      options.signal.addEventListener("abort", done, { once: true });
      if (options.signal.aborted) done();
    });
  }
}
