import { readSession } from "#contract/api/accounts.ts";
import { needSignIn, type Session } from "../session.ts";

/** Says who this machine is signed in as, by asking the server. */
export async function whoami(session: Session): Promise<void> {
  needSignIn(session);
  const { user } = await session.client.call(readSession, {});
  await session.answer({ server: session.server.url, user }, `${user.username} (${user.role}) at ${session.server.url}\n`);
}
