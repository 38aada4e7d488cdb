import { type TrafficField, type TrafficPoint, type TrafficRange, trafficSteps } from "#contract/site-traffic.ts";

/** What all sites' visitors asked for since this router started. */
export interface TrafficTotals {
  requests: number;
  errors: number;
  bytes: number;
}

/** What was asked for and how it was answered. */
export interface AnsweredRequest {
  readonly status: number;
  /** Bytes of the answer, headers included. */
  readonly bytes: number;
}

const minuteMs = trafficSteps.hour.stepSeconds * 1000;
const hourMs = trafficSteps.week.stepSeconds * 1000;
/** Sites whose visitors are counted by time; a site that is visited in every minute takes some 20 kB. */
const mostSites = 5_000;

interface Series {
  readonly minutes: TrafficPoint[];
  readonly hours: TrafficPoint[];
  lastAt: number;
}

/** Counts sites' visitors by the minute for an hour and by the hour for a week, in memory. */
export class TrafficBook {
  readonly totals: TrafficTotals = { requests: 0, errors: 0, bytes: 0 };
  readonly #now: () => number;
  readonly #mostSites: number;
  readonly #sites = new Map<number, Series>();

  constructor(now: () => number = Date.now, most = mostSites) {
    this.#now = now;
    this.#mostSites = most;
  }

  /** A request was answered, whoever answered it. */
  note(siteId: number, { status, bytes }: AnsweredRequest): void {
    const isError = status >= 500;
    this.totals.requests += 1;
    this.totals.bytes += bytes;
    if (isError) this.totals.errors += 1;
    for (const point of this.#pointsOf(siteId)) {
      point.requests += 1;
      point.bytes += bytes;
      if (isError) point.errors += 1;
    }
  }

  /** The page cache was asked. */
  noteKept(siteId: number, outcome: Extract<TrafficField, "hits" | "stale" | "misses">): void {
    for (const point of this.#pointsOf(siteId)) point[outcome] += 1;
  }

  /** Minutes or hours of a site with any request, oldest first. */
  points(siteId: number, range: TrafficRange): readonly TrafficPoint[] {
    const series = this.#sites.get(siteId);
    if (series === undefined) return [];
    const { stepSeconds, points } = trafficSteps[range];
    const since = this.#now() - stepSeconds * points * 1000;
    return (range === "hour" ? series.minutes : series.hours).filter(({ start }) => start > since);
  }

  /** The site is gone; its number may stand for nobody else, but what is counted of it is of no use. */
  forget(siteId: number): void {
    this.#sites.delete(siteId);
  }

  #pointsOf(siteId: number): readonly [TrafficPoint, TrafficPoint] {
    const now = this.#now();
    let series = this.#sites.get(siteId);
    if (series === undefined) {
      if (this.#sites.size >= this.#mostSites) this.#forgetQuietest();
      series = { minutes: [], hours: [], lastAt: now };
      this.#sites.set(siteId, series);
    }
    series.lastAt = now;
    return [
      latest(series.minutes, { start: now - (now % minuteMs), most: trafficSteps.hour.points }),
      latest(series.hours, { start: now - (now % hourMs), most: trafficSteps.week.points }),
    ];
  }

  #forgetQuietest(): void {
    let quietest: readonly [number, Series] | undefined;
    for (const entry of this.#sites) if (quietest === undefined || entry[1].lastAt < quietest[1].lastAt) quietest = entry;
    if (quietest !== undefined) this.#sites.delete(quietest[0]);
  }
}

function latest(points: TrafficPoint[], { start, most }: { readonly start: number; readonly most: number }): TrafficPoint {
  const last = points.at(-1);
  // A clock that was set back goes on with the point that is there.
  if (last !== undefined && last.start >= start) return last;
  const point = { start, requests: 0, errors: 0, bytes: 0, hits: 0, stale: 0, misses: 0 };
  points.push(point);
  if (points.length > most) points.shift();
  return point;
}
