import { type TrafficPoint, trafficRange, trafficSteps } from "#contract/site-traffic.ts";
import type { MockHandler } from "./mock-call.ts";
import { siteOf } from "./mock-sites.ts";

/** Visitors of a pretended site; one that sleeps has had none. */
export const mockTrafficHandlers: Readonly<Record<string, MockHandler>> = {
  "traffic.read": (call) => {
    const { view } = siteOf(call);
    const range = trafficRange.parse(call.query.get("range") ?? "hour");
    const { stepSeconds, points } = trafficSteps[range];
    const stepMs = stepSeconds * 1000;
    const last = Math.floor(Date.now() / stepMs) * stepMs;
    const pointAt = (index: number): TrafficPoint => {
      const start = last - (points - 1 - index) * stepMs;
      if (view.state === "asleep" || view.state === "not-served") return { start, requests: 0, errors: 0, bytes: 0, hits: 0, stale: 0, misses: 0 };
      const requests = Math.round((stepSeconds / 60) * (14 + 11 * Math.sin(index / 5) + 3 * Math.sin(index)));
      const errors = index % 11 === 4 ? Math.ceil(requests / 9) : 0;
      const [hits, stale] = view.cache.isOn ? [Math.floor(requests * 0.6), index % 7 === 2 ? Math.floor(requests * 0.1) : 0] : [0, 0];
      return { start, requests, errors, bytes: requests * 18_400, hits, stale, misses: view.cache.isOn ? Math.floor(requests * 0.2) : 0 };
    };
    return { traffic: { range, stepSeconds, points: Array.from({ length: points }, (_, index) => pointAt(index)), routers: 1, away: 0 } };
  },
};
