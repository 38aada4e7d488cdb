import { usageError } from "../exit-code.ts";
import { revokeToken } from "../revoke-token.ts";
import { normalUrl } from "../server-address.ts";
import type { Session } from "../session.ts";
import { writeSettings } from "../settings-file.ts";

/** Revokes the token that `login` made, and forgets it even when the server is gone. */
export async function logout(session: Session, url: string | undefined): Promise<void> {
  const server = url === undefined ? session.server.url : normalUrl(url);
  const stored = session.settings.servers[server];
  if (stored === undefined) throw usageError(`You are not signed in at ${server}.`);
  // The server may be gone for good: the person wants the token out of this machine all the same.
  const isRevoked = await revokeToken(session, server, stored);
  const { [server]: _forgotten, ...servers } = session.settings.servers;
  const next = session.settings.defaultServer === server ? Object.keys(servers)[0] : session.settings.defaultServer;
  await writeSettings(session.environment, { ...(next === undefined ? {} : { defaultServer: next }), servers });
  await session.answer({ server, isRevoked }, `Signed out of ${server}.\n`);
}
