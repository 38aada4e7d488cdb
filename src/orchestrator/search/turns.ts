import { Failure } from "#contract/failure.ts";

/** How much goes on at the same time, and how much waits. */
export interface TurnLimits {
  readonly atOnce: number;
  readonly perSite: number;
  readonly waiting: number;
  readonly waitingPerSite: number;
}

interface Waiting {
  readonly siteId: number;
  readonly begin: () => void;
}

/** Gives turns to those who want to do something costly: no site takes all of them, and too many who wait are sent away. */
export class Turns {
  readonly #limits: TurnLimits;
  readonly #running = new Map<number, number>();
  #waiting: Waiting[] = [];

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /** Waits for a turn, which ends with its scope. @throws {Failure} `rate_limited` when too many wait; the signal's reason when it is aborted. */
  async take(siteId: number, signal: AbortSignal): Promise<Disposable> {
    if (!this.#isFree(siteId)) await this.#wait(siteId, signal);
    this.#running.set(siteId, this.#of(siteId) + 1);
    let isTaken = true;
    return {
      [Symbol.dispose]: () => {
        if (!isTaken) return;
        isTaken = false;
        const left = this.#of(siteId) - 1;
        if (left > 0) this.#running.set(siteId, left);
        else this.#running.delete(siteId);
        this.#next();
      },
    };
  }

  async #wait(siteId: number, signal: AbortSignal): Promise<void> {
    const ofSite = this.#waiting.filter((waiting) => waiting.siteId === siteId).length;
    if (this.#waiting.length >= this.#limits.waiting || ofSite >= this.#limits.waitingPerSite) throw new Failure("rate_limited", { retryAfterSeconds: 2 });
    await new Promise<void>((resolve, reject) => {
      const waiting: Waiting = { siteId, begin: resolve };
      this.#waiting.push(waiting);
      const leave = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        reject(signal.reason);
      };
      if (signal.aborted) leave();
      else signal.addEventListener("abort", leave, { once: true });
    });
    // Another one may have been quicker between the two.
    if (!this.#isFree(siteId)) await this.#wait(siteId, signal);
  }

  #next(): void {
    const next = this.#waiting.find(({ siteId }) => this.#isFree(siteId));
    if (next === undefined) return;
    this.#waiting = this.#waiting.filter((waiting) => waiting !== next);
    next.begin();
  }

  #isFree(siteId: number): boolean {
    const all = [...this.#running.values()].reduce((sum, count) => sum + count, 0);
    return all < this.#limits.atOnce && this.#of(siteId) < this.#limits.perSite;
  }

  #of(siteId: number): number {
    return this.#running.get(siteId) ?? 0;
  }
}
