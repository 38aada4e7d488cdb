import { addDatabase, changeDatabasePassword, deleteDatabase, readDatabase, type SiteDatabaseView } from "#contract/api/database.ts";
import { Failure } from "#contract/failure.ts";
import { usageError } from "../exit-code.ts";
import { settle } from "../follow-operation.ts";
import { ask } from "../prompt.ts";
import { needSignIn, type Session } from "../session.ts";
import { bytesText, columnsOf } from "../terminal.ts";

/** Which site, and whether to wait. */
interface Asked {
  readonly name: string;
  readonly wait?: boolean;
}

/** Gives a site a database. */
export async function addSiteDatabase(session: Session, asked: Asked): Promise<void> {
  needSignIn(session);
  const started = await session.client.call(addDatabase, { params: { name: asked.name } });
  const operation = await settle(session, started.operation, asked);
  await session.answer({ operation }, asked.wait === false ? `${operation.id}\n` : `${asked.name} has a database: its program finds DATABASE_URL.\n`);
}

/** Says what a site's database is like; its password only when asked for. */
export async function showDatabase(session: Session, name: string, options: { readonly password?: boolean }): Promise<void> {
  needSignIn(session);
  const { database } = await session.client.call(readDatabase, { params: { name } });
  if (database === null) throw new Failure("site_database_not_found");
  const shown = options.password === true ? database : withoutPassword(database);
  await session.answer({ database: shown }, columnsOf(rowsOf(shown)));
}

function withoutPassword(database: SiteDatabaseView): SiteDatabaseView {
  const { url, variables } = database;
  const password = variables?.DIRECTOR_DATABASE_PASSWORD;
  if (variables === null || password === undefined) return database;
  // In an address it stands percent-encoded.
  const hidden = (value: string): string => value.replaceAll(password, "********").replaceAll(encodeURIComponent(password), "********");
  return {
    ...database,
    url: url === null ? null : hidden(url),
    variables: Object.fromEntries(Object.entries(variables).map(([variable, value]) => [variable, hidden(value)])),
  };
}

function rowsOf(database: SiteDatabaseView): readonly (readonly string[])[] {
  const { bytes, limitBytes, state, reason, variables } = database;
  return [
    ["state", reason === null ? state : `${state}: ${reason}`],
    ["size", `${bytes === null ? "not measured yet" : bytesText(bytes)} of ${bytesText(limitBytes)}`],
    ...Object.entries(variables ?? {}),
  ];
}

/** Gives a site's database another password. */
export async function renewDatabasePassword(session: Session, asked: Asked): Promise<void> {
  needSignIn(session);
  const started = await session.client.call(changeDatabasePassword, { params: { name: asked.name } });
  const operation = await settle(session, started.operation, asked);
  await session.answer({ operation }, asked.wait === false ? `${operation.id}\n` : `The database of ${asked.name} has a new password.\n`);
}

/** Deletes a site's database, when the site's name was typed or `--yes` given. */
export async function removeDatabase(session: Session, asked: Asked & { readonly yes?: boolean }): Promise<void> {
  needSignIn(session);
  const { name } = asked;
  if (!asked.yes) {
    const typed = await ask(session.terminal, `This deletes the database of ${name} with every row in it. Type the site's name to go on: `);
    if (typed.trim() !== name) throw usageError("The name does not match. Nothing was deleted.");
  }
  const started = await session.client.call(deleteDatabase, { params: { name } });
  const operation = await settle(session, started.operation, asked);
  await session.answer({ operation }, asked.wait === false ? `${operation.id}\n` : `The database of ${name} is deleted.\n`);
}
