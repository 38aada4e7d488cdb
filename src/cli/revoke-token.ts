import { deleteToken } from "#contract/api/accounts.ts";
import { Failure } from "#contract/failure.ts";
import { clientOf, type Session } from "./session.ts";
import type { StoredSignIn } from "./settings-file.ts";

/** A server that is there may still never answer; what is only tidied up must not hold a person up for longer. */
export const tidyLimitMs = 10_000;

/**
 * Revokes a token that this machine forgets, by that token itself: nobody could use it any more, but it would be valid for ever. Only one that
 * `login` made is ours to revoke. What goes wrong is said and holds nothing up; answers whether the token is valid no more.
 */
export async function revokeToken(session: Session, server: string, { token, tokenId }: StoredSignIn): Promise<boolean> {
  if (tokenId === undefined) return false;
  try {
    await clientOf(server, token).call(deleteToken, { params: { id: tokenId }, signal: AbortSignal.timeout(tidyLimitMs) });
    return true;
  } catch (error) {
    if (error instanceof Failure && (error.code === "not_signed_in" || error.code === "token_not_found")) return true;
    const why = whyOf(error);
    session.note(`The token ${tokenId}, which nothing here uses any more, was not revoked: ${why} Revoke it by \`backlot token rm ${tokenId}\`.`);
    return false;
  }
}

/** Why something that is only tidied up did not come about, in a sentence. */
export function whyOf(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") return `The server has not answered for ${tidyLimitMs / 1000} seconds.`;
  return error instanceof Error ? error.message : String(error);
}
