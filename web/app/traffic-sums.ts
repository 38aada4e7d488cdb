import type { TrafficPoint } from "#contract/site-traffic.ts";

/** A range of traffic in a few numbers, and as what is drawn of it. */
export interface TrafficSums {
  readonly requests: number;
  readonly errors: number;
  readonly bytes: number;
  /** Answers of the page cache, fresh or old. */
  readonly kept: number;
  /** Seconds since 1970, as charts want them. */
  readonly at: readonly number[];
  readonly answered: readonly number[];
  /** Neither from the page cache nor missed by it: files, other methods, signed-in visitors. */
  readonly bypassed: readonly number[];
}

export function sumsOf(points: readonly TrafficPoint[]): TrafficSums {
  const total = (key: "requests" | "errors" | "bytes" | "hits" | "stale"): number => points.reduce((sum, point) => sum + point[key], 0);
  return {
    requests: total("requests"),
    errors: total("errors"),
    bytes: total("bytes"),
    kept: total("hits") + total("stale"),
    at: points.map(({ start }) => start / 1000),
    answered: points.map(({ requests, errors }) => Math.max(requests - errors, 0)),
    bypassed: points.map(({ requests, hits, stale, misses }) => Math.max(requests - hits - stale - misses, 0)),
  };
}

/** A part of a whole: `0.4 %`, `12 %`; a few among many are never none. */
export function shareText(part: number, whole: number): string {
  if (part === 0 || whole === 0) return "0 %";
  const percent = (part / whole) * 100;
  if (percent < 0.1) return "under 0.1 %";
  return `${percent < 9.95 ? Number(percent.toFixed(1)) : Math.round(percent)} %`;
}
