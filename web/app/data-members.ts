import { useMutation, useQuery } from "@tanstack/react-query";
import { listMembers, removeMember, setMember } from "#contract/api/members.ts";
import type { MemberRole } from "#contract/site.ts";
import { api } from "./api.ts";
import { heldUser } from "./data-session.ts";
import { siteKey } from "./data-sites.ts";
import { queryClient } from "./query-client.ts";

const membersKey = (name: string) => [...siteKey(name), "members"];

/** Reads again who is a member; what one may do oneself stands with the site, and in the list of sites. */
async function refresh(name: string, username: string): Promise<void> {
  const isMe = heldUser()?.username === username;
  const own = isMe ? [queryClient.invalidateQueries({ queryKey: siteKey(name), exact: true }), queryClient.invalidateQueries({ queryKey: ["sites"] })] : [];
  await Promise.all([queryClient.invalidateQueries({ queryKey: membersKey(name) }), ...own]);
}

export function useMembers(name: string) {
  return useQuery({ queryKey: membersKey(name), queryFn: async ({ signal }) => (await api.call(listMembers, { params: { name }, signal })).members });
}

export function useSetMember(name: string) {
  return useMutation({
    // One after the other: what was chosen last counts.
    scope: { id: `members of ${name}` },
    mutationFn: ({ username, role }: { username: string; role: MemberRole }) => api.call(setMember, { params: { name, username }, body: { role } }),
    onSettled: (_answer, _error, { username }) => refresh(name, username),
  });
}

export function useRemoveMember(name: string) {
  return useMutation({
    mutationFn: (username: string) => api.call(removeMember, { params: { name, username } }),
    onSettled: async (_answer, error, username) => {
      const isGone = error === null && heldUser()?.username === username;
      // Whoever has left may read nothing of the site any more; the page goes elsewhere.
      if (isGone) void queryClient.invalidateQueries({ queryKey: ["sites"] });
      else await refresh(name, username);
    },
  });
}

/** Keeps nothing of a site that one has left. */
export function forgetSite(name: string): void {
  queryClient.removeQueries({ queryKey: siteKey(name) });
}
