import type { SteadyClock } from "#kit/clock.ts";

/** A start that may use more of the processor than its site, until `end`. */
export interface BootAllowance {
  /** How much of a core. */
  readonly cpu: number;
  /** When it ends by itself, in milliseconds. */
  readonly forMs: number;
  /** The program listens, or has ended. More than once is the same as once. */
  end(): void;
}

/** A program that boots uses most of a core, and often two threads; with a site's own share it is throttled for tens of milliseconds. */
const bootCpu = 2;
/** What a site has saved up at most, and what it gains: a twentieth of the time. A restart loop gets no more than that beyond its share. */
const fullMs = 10_000;
const refill = 1 / 20;
/** With less than this left a start gets nothing: it would be throttled in its middle. */
const leastMs = 500;

/** How long programs may boot beyond their share of the processor, counted for each site. */
export class BootBudget {
  readonly #clock: SteadyClock;
  readonly #sites = new Map<number, { readonly leftMs: number; readonly at: number }>();

  constructor(clock: SteadyClock) {
    this.#clock = clock;
  }

  /** Null when the site has none left, or a share as large already. */
  begin(siteId: number, cpu: number): BootAllowance | null {
    const leftMs = this.#left(siteId);
    if (cpu >= bootCpu || leftMs < leastMs) return null;
    const startedAt = this.#clock.now();
    // Taken at once, so that starts side by side do not use the same time twice.
    this.#keep(siteId, 0);
    let hasEnded = false;
    return {
      cpu: bootCpu,
      forMs: leftMs,
      end: () => {
        if (hasEnded) return;
        hasEnded = true;
        this.#keep(siteId, this.#left(siteId) + Math.max(0, leftMs - (this.#clock.now() - startedAt)));
      },
    };
  }

  #left(siteId: number): number {
    const kept = this.#sites.get(siteId);
    return kept === undefined ? fullMs : Math.min(fullMs, kept.leftMs + Math.max(0, this.#clock.now() - kept.at) * refill);
  }

  #keep(siteId: number, leftMs: number): void {
    const at = this.#clock.now();
    this.#sites.set(siteId, { leftMs, at });
    // Those that are full again need no entry.
    if (this.#sites.size > 1000) for (const [id, kept] of this.#sites) if (kept.leftMs + (at - kept.at) * refill >= fullMs) this.#sites.delete(id);
  }
}
