import { Failure } from "#contract/failure.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import type { FileOwner, Jail } from "#kit/jail/jail.ts";

/** Which sites this orchestrator holds, and where. */
export interface SiteShelf {
  /** Absolute path of the site's folder; its parents belong to the platform alone. */
  folderOf(siteId: number): string;
  /** The last specification that was applied; undefined: the site is not here. */
  specOf(siteId: number): SiteSpec | undefined;
  /** Who the site's files belong to; null: the platform's own user. */
  ownerOf(siteId: number): FileOwner | null;
}

/** The specification of a site that is here. @throws {Failure} `site_not_found` */
export function requireSpec(sites: SiteShelf, siteId: number): SiteSpec {
  const spec = sites.specOf(siteId);
  if (spec === undefined) throw new Failure("site_not_found", { site: siteId });
  return spec;
}

/** The jail round a site's files. @throws {Failure} `site_not_found` */
export function jailOf(sites: SiteShelf, siteId: number): Jail {
  requireSpec(sites, siteId);
  return { root: sites.folderOf(siteId), owner: sites.ownerOf(siteId) };
}
