import { setTimeout as delay } from "node:timers/promises";

/** Does something again and again until it is stopped. What is done says how many milliseconds to rest before the next time, and never rejects. */
export class SteadyLoop {
  readonly #step: (signal: AbortSignal) => Promise<number>;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(step: (signal: AbortSignal) => Promise<number>) {
    this.#step = step;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends a rest at once, and what is under way by its signal. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const restMs = await this.#step(signal);
      // The abort is all that can end it early.
      await delay(restMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
