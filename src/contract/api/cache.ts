import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { siteNameInput } from "../site.ts";
import { cacheReport, purgeRequest } from "../site-cache.ts";

const byName = z.object({ name: siteNameInput });

export const readCache = endpoint({
  id: "cache.read",
  method: "GET",
  path: "/api/v1/sites/:name/cache",
  summary: "What the page cache keeps of the site, and how requests were answered in the last hour; all routers together",
  access: { kind: "site", verb: "site.read", scope: "read" },
  params: byName,
  result: z.object({
    cache: cacheReport.extend({
      /** Routers that answered, and those that are away. */
      routers: z.int(),
      away: z.int(),
    }),
  }),
  status: 200,
});

export const purgeCache = endpoint({
  id: "cache.purge",
  method: "POST",
  path: "/api/v1/sites/:name/cache/purge",
  summary: "Forget kept answers: of one path, of all paths with a prefix, with a tag, or all; done when it is answered, but for routers that are away",
  access: { kind: "site", verb: "site.run", scope: "deploy" },
  params: byName,
  body: purgeRequest,
  result: z.object({
    /** Null when everything went at once, uncounted. */
    removed: z.int().nullable(),
    /** Routers that did not answer: they hear of it by their route feed, and may send out what they keep until then. */
    away: z.int(),
  }),
  status: 200,
  failures: ["site_static"],
});

export const cacheEndpoints = [readCache, purgeCache] as const;
