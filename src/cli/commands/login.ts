import { hostname } from "node:os";
import { createToken, readSession, signIn, signOut } from "#contract/api/accounts.ts";
import { usageError } from "../exit-code.ts";
import { ask, readPipedLine } from "../prompt.ts";
import { revokeToken, tidyLimitMs, whyOf } from "../revoke-token.ts";
import { normalUrl } from "../server-address.ts";
import { clientOf, type Session } from "../session.ts";
import { type StoredSignIn, settingsPath, writeSettings } from "../settings-file.ts";

/** What `login` can be told instead of asking. */
export interface LoginOptions {
  readonly user?: string;
  readonly token?: string;
  readonly passwordStdin?: boolean;
}

/** Signs in and keeps an API token, never the password. */
export async function login(session: Session, url: string | undefined, options: LoginOptions): Promise<void> {
  const server = url === undefined ? session.server.url : normalUrl(url);
  const stored = options.token === undefined ? await byPassword(session, server, options) : await byToken(session, server, options.token);
  const before = session.settings.servers[server];
  // A token that was given and is the one kept already stays ours to revoke.
  const isSame = before?.token === stored.token;
  const servers = { ...session.settings.servers, [server]: isSame ? { ...before, ...stored } : stored };
  try {
    await writeSettings(session.environment, { defaultServer: server, servers });
  } catch (error) {
    await revokeToken(session, server, stored);
    throw error;
  }
  if (before !== undefined && !isSame) await revokeToken(session, server, before);
  await session.answer({ server, username: stored.username, settings: settingsPath(session.environment) }, `Signed in at ${server} as ${stored.username}.\n`);
}

async function byToken(session: Session, server: string, given: string): Promise<StoredSignIn> {
  const token = given === "-" ? await readPipedLine(session.terminal) : given;
  const client = clientOf(server, token);
  const { user } = await client.call(readSession, {});
  return { username: user.username, token };
}

async function byPassword(session: Session, server: string, options: LoginOptions): Promise<StoredSignIn> {
  if (options.passwordStdin && options.user === undefined) throw usageError("--password-stdin needs --user NAME.");
  const username = options.user ?? (await ask(session.terminal, `User name at ${server}: `)).trim();
  const password = options.passwordStdin ? await readPipedLine(session.terminal) : await ask(session.terminal, "Password: ", true);
  // The session lives only as long as it takes to make a token; the Origin header is what the server asks of everyone with a cookie.
  const origin = new URL(server).origin;
  const browserless = clientOf(server);
  const response = await browserless.fetch(signIn, { body: { username, password }, headers: { origin } });
  await response.body?.cancel();
  const cookie = response.headers
    .getSetCookie()
    .map((line) => line.split(";")[0] ?? "")
    .join("; ");
  const headers = { origin, cookie };
  try {
    const made = await browserless.call(createToken, { body: { name: `backlot on ${hostname()}`.slice(0, 100) }, headers });
    return { username, token: made.secret, tokenId: made.id };
  } finally {
    const signal = AbortSignal.timeout(tidyLimitMs);
    await browserless.call(signOut, { headers, signal }).catch((error: unknown) => session.note(`The session could not be ended: ${whyOf(error)}`));
  }
}
