import { z } from "zod";

const day = 86_400;

/** How the router keeps answers of a site's program. Off unless its owner says so. */
export const siteCache = z.object({
  isOn: z.boolean(),
  /** Seconds for which answers are kept that say nothing of it themselves; 0: they are not kept. */
  defaultSeconds: z.int().min(0).max(day),
  /** Seconds past their time for which answers may still go out while a newer one is fetched. */
  revalidateSeconds: z.int().min(0).max(day),
  /** Seconds past their time for which answers may still go out while the program sleeps or fails. */
  staleSeconds: z
    .int()
    .min(0)
    .max(30 * day),
  /** Requests with cookies or authorisation share answers that are marked `public` or `s-maxage`; otherwise they always go to the program. */
  sharesSignedIn: z.boolean(),
  /** The most bytes that all kept answers of the site take together. */
  bytes: z
    .int()
    .min(64 * 1024)
    .max(64 * 1024 * 1024),
});
export type SiteCache = z.output<typeof siteCache>;

/** What every site starts with. */
export const defaultSiteCache: SiteCache = {
  isOn: false,
  defaultSeconds: 0,
  revalidateSeconds: 30,
  staleSeconds: day,
  sharesSignedIn: false,
  bytes: 16 * 1024 * 1024,
};

/** What a router has to know of it. */
export const routeCache = siteCache.omit({ isOn: true }).extend({
  /** Grows whenever everything kept is out of date: answers of an earlier generation are never used again. */
  generation: z.int().nonnegative(),
});
export type RouteCache = z.output<typeof routeCache>;

/** A character of a `Cache-Tag`: visible ASCII but the comma that separates them. */
export const cacheTag = z.string().regex(/^[!-+\--~]{1,128}$/, "1 to 128 visible characters without a comma");

/** What is to go: one address, everything below one, everything with a tag, or (with none of them) everything. */
export const purgeRequest = z
  .strictObject({
    path: z.string().startsWith("/").max(4096).optional(),
    prefix: z.string().startsWith("/").max(4096).optional(),
    tag: cacheTag.optional(),
  })
  .refine((asked) => Object.values(asked).filter((value) => value !== undefined).length <= 1, "give one of path, prefix and tag, or none of them");
export type PurgeRequest = z.output<typeof purgeRequest>;

/** How requests were answered in one minute. */
export const cacheMinute = z.object({
  /** When the minute began, in milliseconds since 1970. */
  at: z.int(),
  hits: z.int(),
  stale: z.int(),
  misses: z.int(),
  bypassed: z.int(),
});
export type CacheMinute = z.output<typeof cacheMinute>;

/** What one router keeps of a site, and what it did with it since it started. */
export const cacheReport = z.object({
  entries: z.int(),
  bytes: z.int(),
  hits: z.int(),
  stale: z.int(),
  misses: z.int(),
  bypassed: z.int(),
  /** The last hour, oldest first; minutes without a request are left out. */
  minutes: z.array(cacheMinute),
  /** Whether Redis answers; `unused` without REDIS_URL. */
  redis: z.enum(["unused", "connected", "away"]),
});
export type CacheReport = z.output<typeof cacheReport>;
