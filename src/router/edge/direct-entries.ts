import type { SiteAddress, SiteRoute } from "#contract/site-spec.ts";
import { routableAddress, type SiteNetworks } from "./site-networks.ts";

/** One line of the map: a host name, and where its plain requests go. */
export type MapEntry = readonly [host: string, value: string];

/** A host name that may stand in the map: letters, digits, hyphens and dots, which have no meaning to HAProxy. */
const hostPattern = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

/**
 * What the map says of a site. Hosts that are not in it go to the activator, which knows what to do in every case, so that
 * leaving something out is always right. Pure.
 *
 *     static|0105                              digits of the site's folder
 *     live|10.77.0.3|8000|2097152|10.77.0.3:8000|105   address, port, most bytes of a body, key of the counters, site
 */
export function directEntries(route: SiteRoute, live: SiteAddress | null, networks: SiteNetworks): readonly MapEntry[] {
  const value = mapValue(route, live, networks);
  if (value === null) return [];
  return route.hosts.filter((host) => hostPattern.test(host)).map((host) => [host, value] as const);
}

/** The counters of an address in HAProxy's table. */
export function targetKey({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host}:${port}`;
}

function mapValue(route: SiteRoute, live: SiteAddress | null, networks: SiteNetworks): string | null {
  if (route.availability !== "enabled" || !Number.isSafeInteger(route.siteId) || route.siteId < 1) return null;
  if (route.kind === "static") return `static|${folderDigits(route.siteId)}`;
  // What is kept for visitors is kept by the activator.
  if (live === null || route.cache !== null) return null;
  const address = routableAddress(live, networks);
  if (address === null) return null;
  return `live|${address.host}|${address.port}|${Math.trunc(route.requestBodyBytes)}|${targetKey(address)}|${route.siteId}`;
}

/** A site's folder as nothing but digits: `01/05` is `0105`. The last two are the inner folder. */
export function folderDigits(siteId: number): string {
  return String(Math.trunc(siteId)).padStart(4, "0");
}
