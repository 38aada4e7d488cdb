/** The user and group that a site's files and programs belong to. */
export interface SiteOwner {
  readonly uid: number;
  readonly gid: number;
}

/** Above every range that distributions hand out to people, services and containers by default. */
export const firstSiteUid = 2_000_000;

/** The user of the home folder and of what runs there; null where the platform cannot become another user. No site has the number 0. */
export function homeOwner(): SiteOwner | null {
  return siteOwner(0);
}

/** One user per site where the platform runs as root; null where it cannot become another user. */
export function siteOwner(siteId: number): SiteOwner | null {
  if (process.getuid?.() !== 0) return null;
  return { uid: firstSiteUid + siteId, gid: firstSiteUid + siteId };
}
