import type { GrantClaims } from "#contract/grant.ts";
import type { Log } from "#kit/log.ts";
import type { SiteShelf } from "../files/site-shelf.ts";
import type { Author } from "../history/version-record.ts";
import type { DeedJournal } from "./deed-journal.ts";

/** What is noted: somebody's data was replaced, deleted or moved. */
export type DeedAction = "files.delete" | "files.overwrite" | "files.move" | "files.restore";

/** Notes a deed of whoever carries this grant. */
export type NoteDeed = (caller: GrantClaims, deed: { readonly siteId: number; readonly action: DeedAction; readonly path: string }) => Promise<void>;

/** Who carries a grant, as it is kept beside versions; null for a component on its own behalf. */
export function authorOf(caller: GrantClaims): Author | null {
  return caller.by === undefined ? null : { username: caller.by.name, door: caller.by.door };
}

/** Notes deeds in the journal. The person, door and address are those that the manager signed into the grant: no door can leave them out. */
export function createNoteDeed(journal: DeedJournal, deps: { readonly sites: SiteShelf; readonly log: Log }): NoteDeed {
  return async (caller, { siteId, action, path }) => {
    const deed = {
      siteId,
      siteName: deps.sites.specOf(siteId)?.name ?? "",
      userId: caller.user ?? null,
      userName: caller.by?.name ?? null,
      door: caller.by?.door ?? caller.sub,
      address: caller.by?.address ?? null,
      action,
      path,
      at: new Date().toISOString(),
    };
    // It is done already, and on a full disk deleting has to go on: what cannot be kept is said in the log at least.
    await journal.note(deed).catch((err: unknown) => deps.log.error({ err, deed }, "a deed could not be noted"));
  };
}
