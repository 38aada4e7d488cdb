import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { createToken, createUser, deleteToken, listTokens, listUsers, updateUser } from "#contract/api/accounts.ts";
import type { BodyInputOf, ResultOf } from "#contract/endpoint.ts";
import { api } from "./api.ts";
import { heldUser, sessionQuery } from "./data-session.ts";
import { queryClient } from "./query-client.ts";

type UserPage = ResultOf<typeof listUsers>;
export type UserChange = BodyInputOf<typeof updateUser>;
export type NewUser = BodyInputOf<typeof createUser>;
export type NewToken = BodyInputOf<typeof createToken>;
export type Token = ResultOf<typeof listTokens>["tokens"][number];

export function useTokens() {
  return useQuery({ queryKey: ["tokens"], queryFn: async ({ signal }) => (await api.call(listTokens, { signal })).tokens });
}

export function useCreateToken() {
  return useMutation({
    mutationFn: (body: NewToken) => api.call(createToken, { body }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ["tokens"] }),
  });
}

export function useDeleteToken() {
  return useMutation({
    mutationFn: (id: string) => api.call(deleteToken, { params: { id } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["tokens"] }),
  });
}

export function useUsers(search: string) {
  return useInfiniteQuery({
    queryKey: ["users", search],
    queryFn: ({ pageParam, signal }) =>
      api.call(listUsers, { query: { ...(search === "" ? {} : { search }), ...(pageParam === null ? {} : { cursor: pageParam }) }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last: UserPage) => last.next,
  });
}

export function useCreateUser() {
  return useMutation({
    mutationFn: (body: NewUser) => api.call(createUser, { body }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ["users"] }),
  });
}

export function useUpdateUser() {
  return useMutation({
    mutationFn: ({ username, change }: { username: string; change: UserChange }) => api.call(updateUser, { params: { username }, body: change }),
    onSettled: (_answer, _error, { username }) => {
      // What one may do oneself stands with the session. It is not waited for: this page may go with the right to it.
      if (heldUser()?.username === username) void queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey });
      void queryClient.invalidateQueries({ queryKey: ["users"] });
    },
  });
}
