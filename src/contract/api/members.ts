import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { memberRole, siteNameInput } from "../site.ts";

const byName = z.object({ name: siteNameInput });

export const memberView = z.object({ username: z.string(), role: memberRole });
export const listMembers = endpoint({
  id: "members.list",
  method: "GET",
  path: "/api/v1/sites/:name/members",
  summary: "Who may do what here",
  access: { kind: "site", verb: "site.read", scope: "read" },
  params: byName,
  result: z.object({ members: z.array(memberView) }),
  status: 200,
});

export const setMember = endpoint({
  id: "members.set",
  method: "PUT",
  path: "/api/v1/sites/:name/members/:username",
  summary: "Add a member or change their role",
  access: { kind: "site", verb: "site.members", scope: "full" },
  params: byName.extend({ username: siteNameInput }),
  body: z.strictObject({ role: memberRole }),
  result: z.object({ member: memberView }),
  status: 200,
  failures: ["user_not_found", "administrator_owner", "last_owner"],
});

export const removeMember = endpoint({
  id: "members.remove",
  method: "DELETE",
  path: "/api/v1/sites/:name/members/:username",
  summary: "Remove a member; what they have open here closes within two seconds",
  access: { kind: "site", verb: "site.members", scope: "full" },
  params: byName.extend({ username: siteNameInput }),
  status: 204,
  failures: ["member_not_found", "last_owner"],
});

export const memberEndpoints = [listMembers, setMember, removeMember] as const;
