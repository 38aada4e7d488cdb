import { Failure } from "#contract/failure.ts";
import type { MemberRole } from "#contract/site.ts";
import type { Actor, User } from "../accounts/user.ts";
import type { UserStore } from "../accounts/user-store.ts";
import type { ActorSite, Member } from "./site.ts";
import type { SiteStore } from "./site-store.ts";

/** What setting a member needs. */
export interface SetMemberDeps {
  readonly sites: Pick<SiteStore, "members" | "setMember">;
  readonly users: Pick<UserStore, "byUsername">;
}

/**
 * Adds a member or changes their role; gives who that is. A site of an administrator is trusted: its program runs where sites cannot be kept apart,
 * and may stay awake. So only administrators make one of them an owner.
 * @throws {Failure} `user_not_found`, `administrator_owner`, `last_owner`.
 */
export async function setMember(
  deps: SetMemberDeps,
  actor: Actor,
  asked: { readonly site: ActorSite; readonly username: string; readonly role: MemberRole },
): Promise<User> {
  const { site, username, role } = asked;
  const user = await deps.users.byUsername(username);
  if (user === null) throw new Failure("user_not_found");
  if (role === "owner" && lendsTrust(actor, user)) {
    const members = await deps.sites.members(site);
    // The same again asks for nothing.
    if (!isOwner(members, user)) throw new Failure("administrator_owner", { username: user.username });
  }
  await deps.sites.setMember(site, user.id, role);
  return user;
}

// Also of one who may not sign in now: they may be let in again.
function lendsTrust(actor: Actor, user: User): boolean {
  return user.role === "administrator" && actor.user.role !== "administrator";
}

function isOwner(members: readonly Member[], user: User): boolean {
  return members.some(({ userId, role }) => userId === user.id && role === "owner");
}
