import { Failure } from "#contract/failure.ts";
import type { Actor } from "../accounts/user.ts";
import { demandSiteVerb, mayPlatform } from "../policy/policy.ts";
import type { ActorSite } from "../sites/site.ts";

/** The gate for whatever makes tasks run: in a site with `site.tasks`, in the home folder with `tasks.home`. @throws {Failure} as the policy does, and `administrators_only`. */
export function demandRightToRun(actor: Actor, site: ActorSite | null): void {
  if (site !== null) demandSiteVerb({ userRole: actor.user.role, memberRole: site.role, availability: site.availability }, "site.tasks");
  else if (!mayPlatform(actor.user.role, "tasks.home")) throw new Failure("administrators_only");
}
