import type { TaskTime } from "#core/tasks/task-time.ts";

/** A clock that stands until it is told to go on. */
export class ManualTime implements TaskTime {
  #now = Date.parse("2026-11-22T10:00:00Z");
  readonly #sleeping = new Set<{ until: number; readonly wake: () => void }>();

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleeping.delete(sleeper);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper = { until: this.#now + ms, wake };
      this.#sleeping.add(sleeper);
      signal.addEventListener("abort", wake, { once: true });
      if (signal.aborted) wake();
    });
  }

  /** Sets the clock back, as a machine's whose time was wrong: whoever sleeps wakes when they would have anyway. */
  setBack(ms: number): void {
    this.#now -= ms;
    for (const sleeper of this.#sleeping) sleeper.until -= ms;
  }

  /** Lets time pass, moment by moment: whoever wakes does what it does, and may fall asleep again, before the next one wakes. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const next = Math.min(...[...this.#sleeping].map(({ until }) => until));
      if (next > end) break;
      this.#now = Math.max(this.#now, next);
      for (const sleeper of [...this.#sleeping]) if (sleeper.until <= this.#now) sleeper.wake();
      await settle();
    }
    this.#now = end;
  }
}

/** Everything that can go on without time has gone on. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}
