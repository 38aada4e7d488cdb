import { createToken, deleteToken, listTokens } from "#contract/api/accounts.ts";
import { tokenScopes } from "#contract/token-scope.ts";
import { usageError } from "../exit-code.ts";
import { needSignIn, type Session } from "../session.ts";
import { columnsOf } from "../terminal.ts";

/** Makes an API token and prints its secret, this once. */
export async function makeToken(session: Session, name: string, options: { readonly scope?: readonly string[]; readonly days?: string }): Promise<void> {
  needSignIn(session);
  const scopes = (options.scope ?? []).map((asked) => {
    const scope = tokenScopes.find((known) => known === asked);
    if (scope === undefined) throw usageError(`A scope is one of ${tokenScopes.join(", ")}, not ${asked}.`);
    return scope;
  });
  const days = options.days === undefined ? undefined : Number(options.days);
  if (days !== undefined && !(days > 0 && days <= 3650)) throw usageError("--days takes a number from 1 to 3650.");
  const expiresAt = days === undefined ? {} : { expiresAt: new Date(Date.now() + days * 86_400_000).toISOString() };
  const made = await session.client.call(createToken, { body: { name, ...(scopes.length === 0 ? {} : { scopes }), ...expiresAt } });
  session.note("Keep this secret: it is not shown again.");
  await session.answer(made, `${made.secret}\n`);
}

/** Lists my API tokens. */
export async function showTokens(session: Session): Promise<void> {
  needSignIn(session);
  const { tokens } = await session.client.call(listTokens, {});
  const rows = tokens.map((token) => [token.id, token.name, token.scopes.join(","), token.expiresAt ?? "never", token.lastUsedAt ?? "never"]);
  await session.answer({ tokens }, columnsOf([["ID", "NAME", "SCOPES", "EXPIRES", "LAST USED"], ...rows]));
}

/** Revokes an API token of mine. */
export async function removeToken(session: Session, id: string): Promise<void> {
  needSignIn(session);
  await session.client.call(deleteToken, { params: { id } });
  await session.answer({ id }, `Token ${id} is revoked.\n`);
}
