import { setTimeout as delay } from "node:timers/promises";
import type { SiteEdge } from "./site-edge.ts";
import type { Target } from "./target.ts";

/** How often the balancer is asked what it has under way while somebody waits for that. */
const countEveryMs = 20;

/** What reaches one site's program past its gate: requests that a balancer sends there by itself. Nothing, where there is none. */
export class OutsideTraffic {
  readonly #siteId: number;
  readonly #edge: SiteEdge | undefined;

  constructor(siteId: number, edge: SiteEdge | undefined) {
    this.#siteId = siteId;
    this.#edge = edge;
  }

  get isPossible(): boolean {
    return this.#edge !== undefined;
  }

  /** Requests under way at an instance, as far as was last counted. */
  at(target: Target): number {
    return this.#edge?.underWay(target.address) ?? 0;
  }

  /** From now on visitors may go straight to this instance; null: they all come to the gate. */
  send(target: Target | null): void {
    if (target === null) void this.#edge?.close(this.#siteId);
    else this.#edge?.open(this.#siteId, target);
  }

  /**
   * Resolves with what is left, when that is nothing or the time is over. Only once nobody is sent there any more, and that has been counted since, is
   * nothing under way for good: a balancer that does not answer in time may have anything there.
   */
  async drained(drainMs: number, left: () => number): Promise<number> {
    const deadline = performance.now() + drainMs;
    const over = delay(drainMs, false, { ref: false });
    const inTime = (done: Promise<unknown> | undefined): Promise<boolean> =>
      Promise.race([
        Promise.resolve(done).then(
          () => true,
          () => false,
        ),
        over,
      ]);
    const isSettled = await inTime(this.#edge?.settled());
    while (true) {
      const isKnown = (await inTime(this.#edge?.count())) && isSettled;
      if (isKnown && left() === 0) return 0;
      if (performance.now() >= deadline) return Math.max(left(), 1);
      await delay(countEveryMs);
    }
  }

  /** Resolves when nothing is under way at an instance any more to which nobody new is sent. */
  async gone(old: Target, isReplacedThere: () => boolean): Promise<void> {
    await this.#edge?.settled();
    while (true) {
      await this.#edge?.count().catch(() => undefined);
      if (old.inFlight === 0 && (this.at(old) === 0 || isReplacedThere())) return;
      await delay(countEveryMs, undefined, { ref: false });
    }
  }
}
