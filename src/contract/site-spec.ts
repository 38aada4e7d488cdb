import { z } from "zod";
import { siteAvailability, siteEgress, siteEnvironment, siteKind, siteLimits } from "./site.ts";
import { routeCache } from "./site-cache.ts";
import { siteDatabaseCredentials } from "./site-database.ts";

/** Everything that an orchestrator has to know of a site. It keeps the last one, encrypted, to act while the manager is away. */
export const siteSpec = z.object({
  siteId: z.int().positive(),
  name: z.string(),
  kind: siteKind,
  availability: siteAvailability,
  limits: siteLimits,
  environment: siteEnvironment,
  /** Null: the site has no database, and no way to any. */
  database: siteDatabaseCredentials.nullable().default(null),
  timeZone: z.string(),
  canRunTwice: z.boolean(),
  /** Specifications kept from before there was a choice have none. */
  egress: siteEgress.default("none"),
  /** The image that its programs run in, where the runtime has images; null or absent: the default one. */
  image: z.string().min(1).max(255).nullable().optional(),
  /** A static site with a file server of its own, where the runtime has such; absent: its files are served by whoever serves all of them. */
  isDedicated: z.boolean().optional(),
  /** An administrator's site, or programs were allowed for everyone: it may run where sites cannot be isolated. */
  isTrusted: z.boolean(),
  /** Grows with every change; an older one never replaces a newer one. */
  revision: z.int().nonnegative(),
  /** Grows whenever another orchestrator becomes responsible: whoever holds a lower one stops its program. Absent: 0. */
  placement: z.int().nonnegative().optional(),
  /** The orchestrator before was not heard any more and may still run the program: it is given time to see the new placement. */
  isTakenOver: z.boolean().optional(),
  /** The newest version of the table of routes that concerns the site while it had this name: of two sites that claim a name, the later one has it. Absent: 0. */
  routeVersion: z.int().nonnegative().optional(),
});
export type SiteSpec = z.output<typeof siteSpec>;

/** Where a running instance listens. */
export const siteAddress = z.union([z.object({ host: z.ipv4(), port: z.int().min(1).max(65_535) }), z.object({ socket: z.string().startsWith("/") })]);
export type SiteAddress = z.output<typeof siteAddress>;

/** What a router has to know of a site. Where it listens right now comes from the orchestrator. */
export const siteRoute = z.object({
  siteId: z.int().positive(),
  name: z.string(),
  /** Host names without a port, lower case: `foo.localhost`. */
  hosts: z.array(z.string()),
  kind: siteKind,
  availability: siteAvailability,
  requestBodyBytes: z.int().nonnegative(),
  /** Null: never goes to sleep. */
  idleSeconds: z.int().nullable(),
  botsWake: z.boolean(),
  /** Null: nothing is kept. Routes kept from before there was a page cache have none. */
  cache: routeCache.nullable().default(null),
  /** Path forms of the originals (`/~name/`, `/name/`) that redirect to the site. */
  purpose: z.enum(["user", "project", "activity", "legacy", "other"]),
  /** The orchestrator that is responsible, by its id; null or absent: the one of the feed. */
  node: z.string().nullable().optional(),
});
export type SiteRoute = z.output<typeof siteRoute>;
