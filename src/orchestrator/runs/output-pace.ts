import type { Clock } from "#kit/clock.ts";

/** How fast output is taken, all runs together. */
export interface PaceLimits {
  readonly bytesPerSecond: number;
  readonly burstBytes: number;
}

export const defaultPace: PaceLimits = { bytesPerSecond: 32 * 1024 * 1024, burstBytes: 4 * 1024 * 1024 };

/** Keeps scripts that print without end from taking a whole core of ours: they are halted by their full pipe. */
export class OutputPace {
  readonly #limits: PaceLimits;
  readonly #clock: Clock;
  #left: number;
  #at: number;

  constructor(clock: Clock, limits: PaceLimits = defaultPace) {
    this.#limits = limits;
    this.#clock = clock;
    this.#left = limits.burstBytes;
    this.#at = clock.now();
  }

  /** Milliseconds to wait before more is read, after so many bytes. */
  take(bytes: number): number {
    const now = this.#clock.now();
    const earned = (Math.max(0, now - this.#at) / 1000) * this.#limits.bytesPerSecond;
    this.#left = Math.min(this.#limits.burstBytes, this.#left + earned) - bytes;
    this.#at = now;
    return this.#left >= 0 ? 0 : Math.ceil((-this.#left / this.#limits.bytesPerSecond) * 1000);
  }
}
