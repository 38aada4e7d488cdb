import { mutationOptions, queryOptions, useMutation, useQuery } from "@tanstack/react-query";
import { changePassword, readSession, setUp, signIn, signOut } from "#contract/api/accounts.ts";
import type { UserView } from "#contract/api/views.ts";
import { api, guestApi, hasCode } from "./api.ts";
import { sessionEnded } from "./connection.ts";
import { tellAll } from "./editor/draft-channel.ts";
import { leaveFor, loadAnew } from "./leaving.ts";
import { queryClient } from "./query-client.ts";
import { tellSession } from "./session-channel.ts";

const sessionKey = ["session"] as const;

/** Who is signed in; fails with `not_signed_in` when nobody is. */
export const sessionQuery = queryOptions({
  queryKey: sessionKey,
  queryFn: async ({ signal }): Promise<UserView> => {
    try {
      return settled((await guestApi.call(readSession, { signal })).user);
    } catch (error) {
      if (heldUser() !== undefined && hasCode(error, "not_signed_in")) sessionEnded.set(true);
      throw error;
    }
  },
  staleTime: 60_000,
  // Somebody else may have signed in meanwhile, in a window that this one does not hear of.
  refetchOnWindowFocus: "always",
});

/** The person whose data this page holds. */
export function heldUser(): UserView | undefined {
  return queryClient.getQueryData<UserView>(sessionKey);
}

/** The page is that of the one for whom it was loaded, until it is loaded anew. */
function settled(user: UserView): UserView {
  const held = heldUser();
  if (held !== undefined && held.id !== user.id) {
    loadAnew();
    return held;
  }
  sessionEnded.set(false);
  return user;
}

/** The person who is signed in. Only for pages behind the sign-in, where the answer is already there. */
export function useMe(): UserView | undefined {
  return useQuery(sessionQuery).data;
}
export function useIsAdministrator(): boolean {
  return useMe()?.role === "administrator";
}

async function welcome(user: UserView): Promise<void> {
  // What was asked before knows nothing of this session.
  await queryClient.cancelQueries({ queryKey: sessionKey });
  queryClient.setQueryData(sessionKey, user);
  sessionEnded.set(false);
  // Pages that stayed when this person signed out go on keeping unsaved work.
  tellAll({ kind: "back", user: user.username });
  tellSession(user.id);
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
export const signingOut = (forget: () => Promise<void>) =>
  mutationOptions({
    mutationFn: () => guestApi.call(signOut, {}),
    onSuccess: () =>
      forget().finally(() => {
        // Not before: what other pages still hold unsaved would be kept again when they go.
        tellSession(null);
        // A full page load forgets everything that belonged to this person.
        leaveFor("/sign-in");
      }),
  });

export function useSignOut(forget: () => Promise<void>) {
  return useMutation(signingOut(forget));
}

export function useChangePassword() {
  return useMutation({ mutationFn: (body: { currentPassword: string; newPassword: string }) => api.call(changePassword, { body }) });
}
