import { steadyNow } from "#kit/clock.ts";

/** Something that can take too long. */
export interface Timed {
  /** Ends what is overdue. */
  sweep(now: number): void;
}

/**
 * One clock for every connection to a site: a coarse time that costs nothing to read, and one pass over all connections
 * a second instead of a timer for each request.
 */
export class UpstreamClock {
  readonly #timed = new Set<Timed>();
  readonly #timer: NodeJS.Timeout;
  /** Milliseconds by the steady clock, at most one tick old. */
  now = steadyNow();

  constructor(tickMs = 500) {
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#timer.unref();
  }

  add(timed: Timed): void {
    this.#timed.add(timed);
  }

  remove(timed: Timed): void {
    this.#timed.delete(timed);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    this.now = steadyNow();
    for (const timed of this.#timed) timed.sweep(this.now);
  }
}
