import type { SiteRoute, SiteSpec } from "#contract/site-spec.ts";
import type { Site } from "./site.ts";

/** What the orchestrator has to know of a site. */
export function specOf(site: Site, environment: Readonly<Record<string, string>>, mayEveryoneRun: boolean): SiteSpec {
  return {
    siteId: site.id,
    name: site.name,
    kind: site.kind,
    availability: site.availability,
    limits: site.limits,
    environment: { ...environment },
    timeZone: site.settings.timeZone,
    canRunTwice: site.settings.canRunTwice,
    isTrusted: mayEveryoneRun || site.isOwnedByAdministrator,
    revision: site.revision,
  };
}

/** What the router has to know of a site whose address is made with the sites' domain. */
export function routeOf(site: Site, sitesDomain: string): SiteRoute {
  return {
    siteId: site.id,
    name: site.name,
    hosts: [`${site.name}.${sitesDomain}`],
    kind: site.kind,
    availability: site.availability,
    requestBodyBytes: site.limits.requestBodyBytes,
    idleSeconds: site.settings.idleSeconds,
    botsWake: site.settings.botsWake,
    purpose: site.purpose,
  };
}
