import { deleteToken } from "#contract/api/accounts.ts";
import { Failure } from "#contract/failure.ts";
import { usageError } from "../exit-code.ts";
import { normalUrl } from "../server-address.ts";
import { clientOf, type Session } from "../session.ts";
import { writeSettings } from "../settings-file.ts";
import { plain } from "../terminal.ts";

/** Revokes the token that `login` made, and forgets it even when the server is gone. */
export async function logout(session: Session, url: string | undefined): Promise<void> {
  const server = url === undefined ? session.server.url : normalUrl(url);
  const stored = session.settings.servers[server];
  if (stored === undefined) throw usageError(`You are not signed in at ${server}.`);
  let isRevoked = false;
  if (stored.tokenId !== undefined) {
    try {
      await clientOf(server, stored.token).call(deleteToken, { params: { id: stored.tokenId } });
      isRevoked = true;
    } catch (error) {
      // Revoked already, or the server is gone for good: the person still wants the token out of this machine.
      if (!(error instanceof Failure)) throw error;
      session.note(`The token was not revoked on the server: ${plain(error.message)}`);
    }
  }
  const { [server]: _forgotten, ...servers } = session.settings.servers;
  const next = session.settings.defaultServer === server ? Object.keys(servers)[0] : session.settings.defaultServer;
  await writeSettings(session.environment, { ...(next === undefined ? {} : { defaultServer: next }), servers });
  await session.answer({ server, isRevoked }, `Signed out of ${server}.\n`);
}
