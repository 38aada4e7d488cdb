import { traefikHostRule } from "#kit/traefik-rule.ts";

/** A site as Traefik has to know it. */
export interface TraefikSite {
  /** The site's name: Traefik's router is called the same, its service `NAME-service`. */
  readonly name: string;
  readonly hosts: readonly string[];
  /** The port on which the site's containers listen. */
  readonly port: number;
}

const siteName = /^[a-z][a-z0-9-]{1,31}$/;

/**
 * The labels by which Traefik finds the service of a site.
 * @throws {Error} for a name or a host that could say more than itself in a label.
 */
export function traefikLabels({ name, hosts, port }: TraefikSite): Readonly<Record<string, string>> {
  if (!siteName.test(name)) throw new Error(`${JSON.stringify(name)} cannot stand in a label of Traefik`);
  return {
    [`traefik.http.routers.${name}.rule`]: traefikHostRule(hosts),
    [`traefik.http.routers.${name}.service`]: `${name}-service`,
    [`traefik.http.services.${name}-service.loadbalancer.server.port`]: String(port),
  };
}
