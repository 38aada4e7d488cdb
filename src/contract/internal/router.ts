import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import type { Component, GrantVerb } from "../grant.ts";
import { siteId } from "../site.ts";
import { cacheReport, purgeRequest } from "../site-cache.ts";
import { siteAddress } from "../site-spec.ts";
import { trafficPoint, trafficRange } from "../site-traffic.ts";

const control: readonly Component[] = ["manager", "worker"];
const may = (verb: GrantVerb) => ({ kind: "component", callers: control, verb }) as const;
const byId = z.object({ siteId });

export const awaitRoutes = endpoint({
  id: "routes.await",
  method: "POST",
  path: "/v1/routes/await",
  summary: "Answer when the route table has reached this version, or after five seconds with the version it has",
  access: may("route.read"),
  body: z.strictObject({ version: z.int().nonnegative() }),
  result: z.object({ version: z.int() }),
  status: 200,
});

export const holdSite = endpoint({
  id: "routes.hold",
  method: "POST",
  path: "/v1/sites/:siteId/hold",
  summary: "Keep new requests of the site waiting here (30 s at most unless renewed) and answer when none is in flight, or after `drainMs`",
  access: may("route.hold"),
  params: byId,
  body: z.strictObject({ drainMs: z.int().min(0).max(60_000).default(10_000) }),
  result: z.object({ inFlight: z.int() }),
  status: 200,
});

export const releaseSite = endpoint({
  id: "routes.release",
  method: "POST",
  path: "/v1/sites/:siteId/release",
  summary: "Let the waiting requests go; without an address the next one wakes the site",
  access: may("route.hold"),
  params: byId,
  body: z.strictObject({ target: z.object({ address: siteAddress, instance: z.string() }).nullable() }),
  status: 204,
});

export const switchSite = endpoint({
  id: "routes.switch",
  method: "POST",
  path: "/v1/sites/:siteId/switch",
  summary: "Send new requests to this instance, and answer when none is in flight on another, or after `drainMs`",
  access: may("route.hold"),
  params: byId,
  body: z.strictObject({ target: z.object({ address: siteAddress, instance: z.string() }), drainMs: z.int().min(0).max(60_000).default(10_000) }),
  result: z.object({ inFlight: z.int() }),
  status: 200,
});

export const purgePages = endpoint({
  id: "pages.purge",
  method: "POST",
  path: "/v1/sites/:siteId/pages/purge",
  summary: "Forget kept answers by path, prefix or tag; all of them go by a new generation in the route",
  access: may("route.hold"),
  params: byId,
  body: purgeRequest,
  /**
   * Not complete: what other routers share could not be reached, so that only a new generation is sure. Shared: another router may have kept
   * an old page for all before it heard of the order, and this one may have taken it in since.
   */
  result: z.object({ removed: z.int(), isComplete: z.boolean(), isShared: z.boolean() }),
  status: 200,
});

export const readPages = endpoint({
  id: "pages.read",
  method: "GET",
  path: "/v1/sites/:siteId/pages",
  summary: "What this router keeps of the site's answers, and how it answered",
  access: may("route.read"),
  params: byId,
  result: cacheReport,
  status: 200,
});

export const readTrafficPoints = endpoint({
  id: "traffic.points",
  method: "GET",
  path: "/v1/sites/:siteId/traffic",
  summary: "What the site's visitors asked for of this router since its start, by the minute or the hour; those without a request are left out",
  access: may("route.read"),
  params: byId,
  query: z.strictObject({ range: trafficRange.default("hour") }),
  result: z.object({ points: z.array(trafficPoint) }),
  status: 200,
});

export const routerEndpoints = [awaitRoutes, holdSite, releaseSite, switchSite, purgePages, readPages, readTrafficPoints] as const;
