import { homeFolderId } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import type { FileOwner } from "#kit/jail/jail.ts";
import type { SiteShelf } from "./site-shelf.ts";

/** Administrators fill the home folder: only the disk's reserve limits them. */
const limits = {
  cpu: 1,
  memoryBytes: 100_000_000,
  pids: 128,
  requestBodyBytes: 0,
  fileBytes: Number.MAX_SAFE_INTEGER,
  diskBytes: Number.MAX_SAFE_INTEGER,
  files: Number.MAX_SAFE_INTEGER,
};

/** The shelf with the installation's home folder on it, under the number that no site has: its files are reached as a site's are. */
export function withHome(shelf: SiteShelf, home: { readonly folder: string; readonly owner: FileOwner | null }): SiteShelf {
  const spec: SiteSpec = {
    siteId: homeFolderId,
    name: "home",
    kind: "static",
    availability: "enabled",
    limits,
    environment: {},
    timeZone: "UTC",
    canRunTwice: false,
    egress: "none",
    database: null,
    isTrusted: true,
    revision: 0,
  };
  return {
    folderOf: (siteId) => (siteId === homeFolderId ? home.folder : shelf.folderOf(siteId)),
    specOf: (siteId) => (siteId === homeFolderId ? spec : shelf.specOf(siteId)),
    ownerOf: (siteId) => (siteId === homeFolderId ? home.owner : shelf.ownerOf(siteId)),
  };
}
