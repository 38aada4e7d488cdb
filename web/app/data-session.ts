import { queryOptions, useMutation, useQuery } from "@tanstack/react-query";
import { changePassword, readSession, setUp, signIn, signOut } from "#contract/api/accounts.ts";
import type { UserView } from "#contract/api/views.ts";
import { api, guestApi } from "./api.ts";
import { sessionEnded } from "./connection.ts";
import { queryClient } from "./query-client.ts";

/** Who is signed in; fails with `not_signed_in` when nobody is. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async ({ signal }) => (await guestApi.call(readSession, { signal })).user,
  staleTime: 60_000,
});

/** The person who is signed in. Only for pages behind the sign-in, where the answer is already there. */
export function useMe(): UserView | undefined {
  return useQuery(sessionQuery).data;
}
export function useIsAdministrator(): boolean {
  return useMe()?.role === "administrator";
}

function welcome(user: UserView): void {
  queryClient.setQueryData(sessionQuery.queryKey, user);
  sessionEnded.set(false);
}

export function useSignIn() {
  return useMutation({
    mutationFn: async (body: { username: string; password: string }) => (await guestApi.call(signIn, { body })).user,
    onSuccess: welcome,
  });
}

export function useSetUp() {
  return useMutation({
    mutationFn: async (body: { secret: string; password: string }) => (await guestApi.call(setUp, { body })).user,
    onSuccess: welcome,
  });
}

/** Signs out; `forget` removes from this browser what the person leaves behind. */
export function useSignOut(forget: () => Promise<void>) {
  return useMutation({
    mutationFn: () => guestApi.call(signOut, {}),
    // A full page load forgets everything that belonged to this person.
    onSuccess: () => forget().finally(() => window.location.assign("/sign-in")),
  });
}

export function useChangePassword() {
  return useMutation({ mutationFn: (body: { currentPassword: string; newPassword: string }) => api.call(changePassword, { body }) });
}
