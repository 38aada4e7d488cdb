import { hasInstance } from "#contract/site.ts";
import type { SiteDatabaseCredentials } from "#contract/site-database.ts";
import type { SiteRoute, SiteSpec } from "#contract/site-spec.ts";
import type { Site } from "./site.ts";

/** What the orchestrator has to know of a site. */
export function specOf(
  site: Site,
  given: {
    readonly environment: Readonly<Record<string, string>>;
    readonly database: SiteDatabaseCredentials | null;
    readonly image: string | null;
    readonly routeVersion: number;
  },
  mayEveryoneRun: boolean,
): SiteSpec {
  return {
    siteId: site.id,
    name: site.name,
    kind: site.kind,
    availability: site.availability,
    limits: site.limits,
    environment: { ...given.environment },
    database: given.database,
    image: given.image,
    timeZone: site.settings.timeZone,
    canRunTwice: site.settings.canRunTwice,
    egress: site.egress,
    isDedicated: site.isDedicated && site.kind === "static",
    isTrusted: mayEveryoneRun || site.isOwnedByAdministrator,
    revision: site.revision,
    placement: site.placement,
    isTakenOver: site.isTakenOver,
    routeVersion: given.routeVersion,
  };
}

/** A static site has nothing to keep: its files are at hand. */
function cacheOf({ kind, cache, cacheGeneration }: Site): SiteRoute["cache"] {
  const { isOn, ...kept } = cache;
  return isOn && kind === "dynamic" ? { ...kept, generation: cacheGeneration } : null;
}

/** What the router has to know of a site whose address is made with the sites' domain. */
export function routeOf(site: Site, sitesDomain: string): SiteRoute {
  return {
    siteId: site.id,
    name: site.name,
    hosts: [`${site.name}.${sitesDomain}`],
    // Whatever runs for it, a router is to wake it and to send visitors there.
    kind: hasInstance(site) ? "dynamic" : "static",
    availability: site.availability,
    requestBodyBytes: site.limits.requestBodyBytes,
    idleSeconds: site.settings.idleSeconds,
    botsWake: site.settings.botsWake,
    cache: cacheOf(site),
    purpose: site.purpose,
    node: site.nodeId,
  };
}
