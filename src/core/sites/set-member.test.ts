import { expect, test } from "vitest";
import type { UserRole } from "#contract/api/views.ts";
import { Failure } from "#contract/failure.ts";
import type { MemberRole } from "#contract/site.ts";
import { actor, actorSite, user } from "../../../test/support/builders.ts";
import { setMember } from "./set-member.ts";

/** A site whose owner is number 1, and a person called eve, number 2, who is of this role everywhere, and in the site of that one. */
async function named(as: { readonly actor: UserRole; readonly eve: UserRole; readonly isActive?: boolean; readonly before?: MemberRole }, role: MemberRole) {
  const set: [number, MemberRole][] = [];
  const eve = user({ id: 2, username: "eve", role: as.eve, isActive: as.isActive ?? true });
  const members = as.before === undefined ? [] : [{ userId: 2, username: "eve", role: as.before }];
  const deps = {
    users: { byUsername: async (name: string) => (name === "eve" ? eve : null) },
    sites: {
      members: async () => [{ userId: 1, username: "ada", role: "owner" as const }, ...members],
      setMember: async (_site: unknown, userId: number, given: MemberRole) => void set.push([userId, given]),
    },
  };
  const outcome = await setMember(deps, actor({ role: as.actor }), { site: actorSite(), username: "eve", role }).catch((error: unknown) => error);
  return { set, code: outcome instanceof Failure ? outcome.code : null, details: outcome instanceof Failure ? outcome.details : null };
}

test.each([true, false])("a member makes no administrator an owner, who may sign in: %s", async (isActive) => {
  const refused = await named({ actor: "member", eve: "administrator", isActive }, "owner");
  expect(refused).toEqual({ set: [], code: "administrator_owner", details: { username: "eve" } });
});

test("a member who made an administrator an editor makes them no owner either", async () => {
  expect(await named({ actor: "member", eve: "administrator", before: "editor" }, "owner")).toMatchObject({ set: [], code: "administrator_owner" });
});

test.each([
  ["a member makes an administrator an editor", { actor: "member", eve: "administrator" }, "editor"],
  ["a member makes an administrator who owns it an editor", { actor: "member", eve: "administrator", before: "owner" }, "editor"],
  ["a member says again that an administrator owns it", { actor: "member", eve: "administrator", before: "owner" }, "owner"],
  ["a member makes a member an owner", { actor: "member", eve: "member" }, "owner"],
  ["an administrator makes an administrator an owner", { actor: "administrator", eve: "administrator" }, "owner"],
] as const)("%s", async (_, as, role) => {
  expect(await named(as, role)).toMatchObject({ set: [[2, role]], code: null });
});

test("nobody is made a member who is not there", async () => {
  const deps = { users: { byUsername: async () => null }, sites: { members: async () => [], setMember: async () => undefined } };
  await expect(setMember(deps, actor(), { site: actorSite(), username: "nobody", role: "viewer" })).rejects.toMatchObject({ code: "user_not_found" });
});
