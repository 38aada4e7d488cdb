import { Failure } from "#contract/failure.ts";
import type { SiteVerb } from "#contract/verb.ts";
import type { Actor } from "../accounts/user.ts";
import { demandSiteVerb, mayPlatform, verbsFor } from "../policy/policy.ts";
import type { ActorSite } from "../sites/site.ts";
import type { SiteStore } from "../sites/site-store.ts";

/** Where something runs, as one person sees it: a task, a schedule. */
export interface ActorPlace {
  /** Null for the home folder, and for a site that is gone: both are administrators' only. */
  readonly actorSite: ActorSite | null;
}

/**
 * The site in which someone wants to do something with tasks; null for the home folder.
 * @throws {Failure} `site_not_found`, `site_disabled`, `role_too_low`, `administrators_only`.
 */
export async function placeFor(
  sites: Pick<SiteStore, "forActor">,
  actor: Actor,
  asked: { readonly site: string | undefined; readonly verb: SiteVerb },
): Promise<ActorSite | null> {
  if (asked.site === undefined) {
    if (!mayPlatform(actor.user.role, "tasks.home")) throw new Failure("administrators_only");
    return null;
  }
  const site = await sites.forActor(actor, asked.site);
  if (site === null) throw new Failure("site_not_found");
  demandAt(actor, site, asked.verb);
  return site;
}

/** Whether someone who sees a task or a schedule may change it too. */
export function mayControl(actor: Actor, { actorSite }: ActorPlace): boolean {
  if (actorSite === null) return mayPlatform(actor.user.role, "tasks.home");
  return verbsFor({ userRole: actor.user.role, memberRole: actorSite.role, availability: actorSite.availability }).includes("site.tasks");
}

/** @throws {Failure} `site_disabled`, `role_too_low`. */
export function demandPlaceVerb(actor: Actor, { actorSite }: ActorPlace, verb: SiteVerb): void {
  if (actorSite !== null) demandAt(actor, actorSite, verb);
  else if (!mayPlatform(actor.user.role, "tasks.home")) throw new Failure("role_too_low");
}

function demandAt(actor: Actor, site: ActorSite, verb: SiteVerb): void {
  demandSiteVerb({ userRole: actor.user.role, memberRole: site.role, availability: site.availability }, verb);
}
