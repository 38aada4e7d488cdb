/** Lets a few starts happen at a time, so that a herd of wakes does not make every one of them slow. */
export class StartGate {
  readonly #slots: number;
  readonly #heldMs: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  /** A slot is given back after `heldMs` even if the start goes on: eight programs that never listen must not hold up everyone. */
  constructor(options: { readonly slots: number; readonly heldMs: number }) {
    this.#slots = options.slots;
    this.#heldMs = options.heldMs;
  }

  /** Waits for a slot, does the work, gives the slot back. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#taken < this.#slots) this.#taken += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      const next = this.#waiting.shift();
      if (next === undefined) this.#taken -= 1;
      else next();
    };
    const timer = setTimeout(release, this.#heldMs).unref();
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      release();
    }
  }
}
