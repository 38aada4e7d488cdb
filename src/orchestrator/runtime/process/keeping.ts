import type { Log } from "#kit/log.ts";

/** After so many sandboxes that could not be made to stay, one after the other, none is for a while. */
const mostFailures = 3;
const pauseMs = 300_000;

/** Whether sandboxes are made to stay for several runs. A machine in a bad way is no machine on which that does not work. */
export class Keeping {
  readonly #isPossible: boolean;
  readonly #log: Log;
  #failures = 0;
  #from = 0;

  constructor(isPossible: boolean, log: Log) {
    this.#isPossible = isPossible;
    this.#log = log;
  }

  get isOn(): boolean {
    return this.#isPossible && performance.now() >= this.#from;
  }

  worked(): void {
    this.#failures = 0;
  }

  /** One that was to stay could not be made, and another one for the same run could. */
  failed(err: unknown): void {
    this.#failures += 1;
    if (this.#failures < mostFailures) return;
    this.#from = performance.now() + pauseMs;
    this.#log.warn({ err }, "sandboxes cannot be used again here; starts of runs take a little longer");
  }
}
