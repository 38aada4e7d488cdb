import type { SiteRoute } from "#contract/site-spec.ts";
import { isTraefikHost, traefikHostRule } from "#kit/traefik-rule.ts";

/** A part of Traefik's dynamic configuration, as its HTTP provider reads it. */
export interface TraefikConfig {
  readonly http: {
    readonly routers: Readonly<Record<string, TraefikRouter>>;
    readonly services: Readonly<Record<string, TraefikService>>;
  };
}

/** Which requests go to which service. */
export interface TraefikRouter {
  readonly rule: string;
  readonly service: string;
  readonly priority: number;
  readonly entryPoints?: readonly string[];
  readonly tls?: { readonly certResolver?: string };
}

/** Servers that requests are given to. */
export interface TraefikService {
  readonly loadBalancer: { readonly servers: readonly { readonly url: string }[]; readonly passHostHeader: boolean };
}

/** What the configuration is made of. */
export interface TraefikPlan {
  readonly routes: Iterable<SiteRoute>;
  /** Addresses of the routers, any of which wakes sites. */
  readonly activators: readonly string[];
  readonly entryPoints: readonly string[];
  /** Null: without TLS. */
  readonly certResolver: string | null;
}

/** The lowest that counts: the labels of a service that runs say the same rule with a priority of its length, and go first. */
const lowest = 1;
/** Goes before every rule by its length. */
const highest = 100_000;
const activator = "backlot-activator";

/**
 * Sends every site's hosts to the activator. A site whose service runs has a router of its own by labels; Traefik forgets a service without tasks
 * together with its router, so that the hosts of sleeping sites have to be declared here. The labels are preferred only for sites that are always awake.
 */
export function traefikConfig({ routes, activators, entryPoints, certResolver }: TraefikPlan): TraefikConfig {
  const routers: Record<string, TraefikRouter> = {};
  for (const route of routes) {
    const { siteId, hosts } = route;
    // One odd name must not take the other sites' routes away.
    if (hosts.length === 0 || !hosts.every(isTraefikHost)) continue;
    routers[`site-${String(siteId).padStart(4, "0")}`] = {
      rule: traefikHostRule(hosts),
      service: activator,
      priority: isPastActivator(route) ? lowest : highest,
      ...(entryPoints.length === 0 ? {} : { entryPoints: [...entryPoints] }),
      ...(certResolver === null ? {} : { tls: { certResolver } }),
    };
  }
  const servers = activators.map((url) => ({ url }));
  return { http: { routers, services: { [activator]: { loadBalancer: { servers, passHostHeader: true } } } } };
}

// Visitors whom Traefik brings to a service by itself are seen by nobody: a site that may rest would be frozen under them, and nothing would be kept for them.
function isPastActivator({ idleSeconds, cache }: SiteRoute): boolean {
  return idleSeconds === null && cache === null;
}
