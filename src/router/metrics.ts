import { processMetrics } from "#kit/http/server.ts";
import type { PageTotals } from "./cache/page-counts.ts";
import type { TrafficTotals } from "./traffic/traffic-book.ts";

/** What the router counts. Plain numbers: each is raised in one place, on the way of a request. */
export interface RouterMetrics {
  requests: number;
  inFlight: number;
  tunnels: number;
  wakes: number;
  wakeFailures: number;
  sleeps: number;
  freezes: number;
  upstreamFailures: number;
  refusedVisits: number;
}

/** Counters at zero. */
export function createMetrics(): RouterMetrics {
  return { requests: 0, inFlight: 0, tunnels: 0, wakes: 0, wakeFailures: 0, sleeps: 0, freezes: 0, upstreamFailures: 0, refusedVisits: 0 };
}

/** What is read off at the moment of asking. */
export interface RouterGauges {
  readonly routes: number;
  readonly version: number;
  readonly isFeedConnected: boolean;
  readonly awake: number;
  readonly waiting: number;
  readonly toSites: number;
  readonly cachedBytes: number;
  readonly pages: PageTotals;
  readonly traffic: TrafficTotals;
}

/** Prometheus' text format. */
export function renderMetrics(metrics: RouterMetrics, gauges: RouterGauges): string {
  const lines: readonly (readonly [string, number])[] = [
    ["requests_total", metrics.requests],
    ["requests_in_flight", metrics.inFlight],
    ["tunnels_open", metrics.tunnels],
    ["wakes_total", metrics.wakes],
    ["wake_failures_total", metrics.wakeFailures],
    ["sleeps_total", metrics.sleeps],
    ["freezes_total", metrics.freezes],
    ["upstream_failures_total", metrics.upstreamFailures],
    ["visits_that_did_not_wake_total", metrics.refusedVisits],
    ["routes", gauges.routes],
    ["routes_version", gauges.version],
    ["feed_connected", gauges.isFeedConnected ? 1 : 0],
    ["sites_awake", gauges.awake],
    ["requests_waiting", gauges.waiting],
    ["requests_at_sites", gauges.toSites],
    ["static_cache_bytes", gauges.cachedBytes],
    ["page_cache_bytes", gauges.pages.bytes],
    ["site_requests_total", gauges.traffic.requests],
    ["site_errors_total", gauges.traffic.errors],
    ["site_bytes_total", gauges.traffic.bytes],
  ];
  return lines.map(([name, value]) => `backlot_router_${name} ${value}\n`).join("") + pageLines(gauges.pages) + processMetrics();
}

function pageLines({ sites }: PageTotals): string {
  let lines = "";
  for (const [siteId, { total }] of sites)
    for (const [outcome, count] of Object.entries(total)) lines += `backlot_router_page_requests_total{site="${siteId}",outcome="${outcome}"} ${count}\n`;
  return lines;
}
