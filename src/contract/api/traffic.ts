import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { siteNameInput } from "../site.ts";
import { trafficPoint, trafficRange } from "../site-traffic.ts";

/** A site's visitors over time, all routers together. */
export const siteTraffic = z.object({
  range: trafficRange,
  stepSeconds: z.int(),
  /** Every minute or hour of the range, oldest first, those without a request too; the last one is not over yet. */
  points: z.array(trafficPoint),
  /** Routers that answered, and those that are away. Each counts from its own start. */
  routers: z.int(),
  away: z.int(),
});
export type SiteTraffic = z.output<typeof siteTraffic>;

export const readTraffic = endpoint({
  id: "traffic.read",
  method: "GET",
  path: "/api/v1/sites/:name/traffic",
  summary: "Requests, errors, bytes and hits of the page cache by the minute or the hour; all routers together, each since its start",
  access: { kind: "site", verb: "site.read", scope: "read" },
  params: z.object({ name: siteNameInput }),
  query: z.strictObject({ range: trafficRange.default("hour") }),
  result: z.object({ traffic: siteTraffic }),
  status: 200,
});

export const trafficEndpoints = [readTraffic] as const;
