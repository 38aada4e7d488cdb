import type { TokenScope } from "#contract/token-scope.ts";
import { type RefusalDeps, refuseSignIn } from "./sign-in.ts";
import type { TokenStore } from "./token-store.ts";
import type { User } from "./user.ts";

/**
 * Checks a user name and the secret of one of this person's API tokens, as a door takes it in place of the password. Wrong ones are limited as
 * passwords are; nobody guesses a right one, so that it is never refused because of what others tried.
 * @throws {Failure} `too_many_attempts`, `credentials_wrong`.
 */
export async function signInByToken(
  deps: RefusalDeps & { readonly tokens: Pick<TokenStore, "find" | "touch"> },
  input: { readonly username: string; readonly secretHash: string; readonly address: string },
): Promise<{ readonly user: User; readonly scopes: readonly TokenScope[] }> {
  const username = input.username.trim().toLowerCase().slice(0, 64);
  const now = deps.now();
  const found = await deps.tokens.find(input.secretHash, now);
  if (found === null || found.user.username !== username) {
    return refuseSignIn(deps, { username, address: input.address });
  }
  await deps.attempts.recordSuccess(username, input.address, now);
  await deps.tokens.touch(found.token.id, now);
  return { user: found.user, scopes: found.token.scopes };
}
