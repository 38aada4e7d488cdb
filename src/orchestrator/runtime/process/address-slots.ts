import type { SteadyClock } from "#kit/clock.ts";

/** Which address pairs are free. One that was used rests before it is given out again, so that a late request never meets another site. */
export class AddressSlots {
  readonly #clock: SteadyClock;
  readonly #quarantineMs: number;
  readonly #queue: { readonly slot: number; readonly freeAt: number }[];

  constructor(options: { readonly slots: number; readonly quarantineMs: number; readonly clock: SteadyClock }) {
    this.#clock = options.clock;
    this.#quarantineMs = options.quarantineMs;
    this.#queue = Array.from({ length: options.slots }, (_, slot) => ({ slot, freeAt: 0 }));
  }

  /** Null when every pair is in use or resting. */
  take(): number | null {
    const [next] = this.#queue;
    // The queue is in order of release, so only its head has to be looked at.
    if (next === undefined || next.freeAt > this.#clock.now()) return null;
    this.#queue.shift();
    return next.slot;
  }

  release(slot: number): void {
    this.#queue.push({ slot, freeAt: this.#clock.now() + this.#quarantineMs });
  }
}
