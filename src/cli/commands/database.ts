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
  await session.answer({ database }, columnsOf(rowsOf(database, options.password === true)));
}

function rowsOf(database: SiteDatabaseView, isShown: boolean): readonly (readonly string[])[] {
  const { bytes, limitBytes, state, reason, variables } = database;
  const password = variables?.DIRECTOR_DATABASE_PASSWORD;
  const hidden = (value: string): string => (isShown || password === undefined ? value : value.replace(password, "********"));
  return [
    ["state", reason === null ? state : `${state}: ${reason}`],
    ["size", `${bytes === null ? "not measured yet" : bytesText(bytes)} of ${bytesText(limitBytes)}`],
    ...Object.entries(variables ?? {}).map(([variable, value]) => [variable, hidden(value)]),
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
