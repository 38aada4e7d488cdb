import type { CacheMinute } from "#contract/site-cache.ts";

/** How a request was answered. */
export type Outcome = "hits" | "stale" | "misses" | "bypassed";

type Counts = Record<Outcome, number>;

const minuteMs = 60_000;
const mostMinutes = 60;

/** How the requests of one site were answered: in all, and minute by minute for an hour. */
export class PageCounts {
  readonly total: Counts = { hits: 0, stale: 0, misses: 0, bypassed: 0 };
  readonly #minutes: CacheMinute[] = [];

  add(outcome: Outcome, now: number): void {
    this.total[outcome] += 1;
    const at = now - (now % minuteMs);
    let minute = this.#minutes.at(-1);
    if (minute === undefined || minute.at !== at) {
      minute = { at, hits: 0, stale: 0, misses: 0, bypassed: 0 };
      this.#minutes.push(minute);
      if (this.#minutes.length > mostMinutes) this.#minutes.shift();
    }
    minute[outcome] += 1;
  }

  /** The last hour, oldest first. */
  minutes(now: number): CacheMinute[] {
    return this.#minutes.filter(({ at }) => now - at < mostMinutes * minuteMs).map((minute) => ({ ...minute }));
  }
}

/** All pages of all sites, and how each site's requests were answered. */
export interface PageTotals {
  readonly bytes: number;
  readonly sites: ReadonlyMap<number, PageCounts>;
}
