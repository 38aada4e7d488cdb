import { z } from "zod";

/** The domain under which sites stand. */
export const sitesDomain = z
  .string()
  .toLowerCase()
  .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/, "is not a domain, like sites.example.org")
  .default("localhost");

/** A site's address as people type it. The name is the first part of its host: sites that share a host share cookies. */
export const sitesUrlPattern = z.string().refine(isSitesUrlPattern, "is not an address like https://{name}.sites.example.org").optional();

interface Addresses {
  readonly BACKLOT_HOST: string;
  readonly BACKLOT_PUBLIC_URL?: string | undefined;
  readonly BACKLOT_SITES_DOMAIN: string;
  readonly BACKLOT_SITES_URL_PATTERN?: string | undefined;
}

/** The dashboard's address as people type it. */
export function dashboardUrl(settings: Addresses, port: number): string {
  const isEveryAddress = ["127.0.0.1", "::1", "0.0.0.0", "::"].includes(settings.BACKLOT_HOST);
  return settings.BACKLOT_PUBLIC_URL ?? reachableUrl(isEveryAddress ? "localhost" : settings.BACKLOT_HOST, port);
}

/** A site's address as people type it, with NAME for its name. */
export function siteUrl(settings: Addresses, port: number): string {
  return settings.BACKLOT_SITES_URL_PATTERN?.replace("{name}", "NAME") ?? `http://NAME.${settings.BACKLOT_SITES_DOMAIN}${port === 80 ? "" : `:${port}`}`;
}

/** Why sites may not stand where these settings put them beside the dashboard: a line for a person each; none when they may. */
export function sitesDomainProblems(settings: Addresses, port: number): readonly string[] {
  const url = dashboardUrl(settings, port);
  // An address of this machine may be none for browsers (fe80::1%eth0): then it lies under no domain.
  const host = URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, "") : "";
  const pattern = settings.BACKLOT_SITES_URL_PATTERN;
  const domains = [settings.BACKLOT_SITES_DOMAIN, ...(pattern === undefined ? [] : [new URL(withoutName(pattern)).hostname])];
  return [...new Set(domains)].flatMap((domain) => refusedSitesDomain(domain.replace(/\.$/, ""), host) ?? []);
}

function isSitesUrlPattern(pattern: string): boolean {
  return /^https?:\/\/\{name\}\.[^/]+\/?$/.test(pattern) && URL.canParse(withoutName(pattern));
}

function withoutName(pattern: string): string {
  return pattern.replace("{name}.", "");
}

function refusedSitesDomain(domain: string, host: string): string | undefined {
  // Browsers treat `localhost` as a public suffix: each NAME.localhost is a site of its own, and none of them is localhost itself.
  const isApart = domain === "localhost" && host === "localhost";
  if (isApart || (host !== domain && !host.endsWith(`.${domain}`))) return undefined;
  return (
    `BACKLOT_SITES_DOMAIN: the dashboard's host ${host} is, or lies under, the sites' domain ${domain}, ` +
    "so that a site could plant cookies for the dashboard; give the sites a domain of their own"
  );
}

/** The address at which a process on this machine reaches a server that listens at `host`. */
export function reachableUrl(host: string, port: number): string {
  if (host === "0.0.0.0") return `http://127.0.0.1:${port}`;
  if (host === "::") return `http://[::1]:${port}`;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
