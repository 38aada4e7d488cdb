import { deleteSite, readSite } from "#contract/api/sites.ts";
import { usageError } from "../exit-code.ts";
import { settle } from "../follow-operation.ts";
import { ask } from "../prompt.ts";
import { needSignIn, type Session } from "../session.ts";

/** Deletes a site with all its files, when its name was typed or `--yes` given. */
export async function remove(session: Session, name: string, options: { readonly yes?: boolean; readonly wait?: boolean }): Promise<void> {
  needSignIn(session);
  const { site } = await session.client.call(readSite, { params: { name } });
  if (!options.yes) {
    const typed = await ask(session.terminal, `This deletes ${site.name} (${site.url}) with all its files. Type its name to go on: `);
    if (typed.trim() !== site.name) throw usageError("The name does not match. Nothing was deleted.");
  }
  const deletion = await session.client.call(deleteSite, { params: { name } });
  const operation = await settle(session, deletion.operation, options);
  await session.answer({ operation }, options.wait === false ? `${operation.id}\n` : `${site.name} is deleted.\n`);
}
