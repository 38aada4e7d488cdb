import type { SupervisorConfig } from "./config.ts";

type Addresses = Pick<SupervisorConfig, "BACKLOT_HOST" | "BACKLOT_PUBLIC_URL" | "BACKLOT_SITES_DOMAIN" | "BACKLOT_SITES_URL_PATTERN">;

/** The dashboard's address as people type it. */
export function dashboardUrl(settings: Addresses, port: number): string {
  const isEveryAddress = ["127.0.0.1", "::1", "0.0.0.0", "::"].includes(settings.BACKLOT_HOST);
  return settings.BACKLOT_PUBLIC_URL ?? reachableUrl(isEveryAddress ? "localhost" : settings.BACKLOT_HOST, port);
}

/** A site's address as people type it, with NAME for its name. */
export function siteUrl(settings: Addresses, port: number): string {
  return settings.BACKLOT_SITES_URL_PATTERN?.replace("{name}", "NAME") ?? `http://NAME.${settings.BACKLOT_SITES_DOMAIN}${port === 80 ? "" : `:${port}`}`;
}

/** Why sites may not stand under this domain beside this dashboard; undefined when they may. */
export function refusedSitesDomain(sitesDomain: string, dashboard: string): string | undefined {
  const host = new URL(dashboard).hostname;
  // Browsers treat `localhost` as a public suffix: each NAME.localhost is a site of its own.
  if (sitesDomain === "localhost") return undefined;
  if (host !== sitesDomain && !host.endsWith(`.${sitesDomain}`)) return undefined;
  return (
    `BACKLOT_SITES_DOMAIN: the dashboard's host ${host} is, or lies under, the sites' domain ${sitesDomain}, ` +
    "so that a site could plant cookies for the dashboard; give the sites a domain of their own"
  );
}

/** The address at which a process on this machine reaches a server that listens at `host`. */
export function reachableUrl(host: string, port: number): string {
  if (host === "0.0.0.0") return `http://127.0.0.1:${port}`;
  if (host === "::") return `http://[::1]:${port}`;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
