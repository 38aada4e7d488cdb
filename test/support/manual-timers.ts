import type { Timers } from "#ftp/timers.ts";

/** Timers that stand still until time is let pass. */
export class ManualTimers implements Timers {
  #now = 0;
  readonly #waiting = new Set<{ readonly at: number; readonly act: () => void }>();

  after(ms: number, act: () => void): () => void {
    const entry = { at: this.#now + ms, act };
    this.#waiting.add(entry);
    return () => void this.#waiting.delete(entry);
  }

  /** Lets time pass; what becomes due is called in its order. */
  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#waiting].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#now = next.at;
      this.#waiting.delete(next);
      next.act();
    }
    this.#now = end;
  }
}
