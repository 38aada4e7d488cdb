import { type TrafficPoint, type TrafficRange, trafficFields, trafficSteps } from "#contract/site-traffic.ts";

/**
 * What all routers counted, as one point for every minute or hour of the range, oldest first. Points outside it are left out: routers whose
 * clocks differ must not make a chart longer.
 */
export function sumTraffic(counted: readonly (readonly TrafficPoint[])[], range: TrafficRange, now: number): TrafficPoint[] {
  const { stepSeconds, points } = trafficSteps[range];
  const stepMs = stepSeconds * 1000;
  const first = now - (now % stepMs) - (points - 1) * stepMs;
  const all = Array.from({ length: points }, (_, index) => emptyPoint(first + index * stepMs));
  for (const point of counted.flat()) {
    const sum = all[(point.start - first) / stepMs];
    if (sum !== undefined) for (const field of trafficFields) sum[field] += point[field];
  }
  return all;
}

function emptyPoint(start: number): TrafficPoint {
  return { start, requests: 0, errors: 0, bytes: 0, hits: 0, stale: 0, misses: 0 };
}
