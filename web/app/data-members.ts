import { useMutation, useQuery } from "@tanstack/react-query";
import { listMembers, removeMember, setMember } from "#contract/api/members.ts";
import type { MemberRole } from "#contract/site.ts";
import { api } from "./api.ts";
import { siteKey } from "./data-sites.ts";
import { queryClient } from "./query-client.ts";

const membersKey = (name: string) => [...siteKey(name), "members"];
const refresh = (name: string): Promise<void> => queryClient.invalidateQueries({ queryKey: membersKey(name) });

export function useMembers(name: string) {
  return useQuery({ queryKey: membersKey(name), queryFn: async ({ signal }) => (await api.call(listMembers, { params: { name }, signal })).members });
}

export function useSetMember(name: string) {
  return useMutation({
    mutationFn: ({ username, role }: { username: string; role: MemberRole }) => api.call(setMember, { params: { name, username }, body: { role } }),
    onSettled: () => refresh(name),
  });
}

export function useRemoveMember(name: string) {
  return useMutation({
    mutationFn: (username: string) => api.call(removeMember, { params: { name, username } }),
    onSettled: () => refresh(name),
  });
}
