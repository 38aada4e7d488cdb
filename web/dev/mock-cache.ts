import type { CacheReport } from "#contract/site-cache.ts";
import type { MockHandler } from "./mock-call.ts";
import { siteOf } from "./mock-sites.ts";

const minuteMs = 60_000;

function report(): CacheReport {
  const now = Math.floor(Date.now() / minuteMs) * minuteMs;
  const minutes = Array.from({ length: 45 }, (_, index) => {
    const busy = Math.round(20 + 15 * Math.sin(index / 4));
    return { at: now - (44 - index) * minuteMs, hits: busy, stale: index % 7, misses: Math.round(busy / 5), bypassed: index % 3 };
  });
  return { entries: 42, bytes: 1_340_000, hits: 812, stale: 61, misses: 160, bypassed: 44, minutes, redis: "connected" };
}

/** What the pretended manager says of kept pages. */
export const mockCacheHandlers: Readonly<Record<string, MockHandler>> = {
  "cache.read": (call) => {
    siteOf(call);
    return { cache: { ...report(), routers: 1, away: 0 } };
  },
  "cache.purge": (call) => {
    siteOf(call);
    return { removed: null, away: 0 };
  },
};
