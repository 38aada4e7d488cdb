import pg from "pg";
import { Failure } from "#contract/failure.ts";
import type { DatabaseHold } from "#core/sites/site-database.ts";
import type { DatabaseIdentity, SiteDatabaseServer } from "#core/sites/site-database-server.ts";
import { connectionSettings } from "../database.ts";
import { isDatabaseAway, isDiskFull } from "../database-error.ts";
import { scramVerifier } from "./scram-verifier.ts";

/** Programs keep pools of connections; this many are plenty for one small site, and leave room for the others. */
const connectionLimit = 10;
/** What a role begins each session with. A program may change the first two for itself, the last only an administrator. */
const roleSettings = { statement_timeout: "60s", idle_in_transaction_session_timeout: "60s", temp_file_limit: "256MB" } as const;

const code = { duplicateObject: "42710", duplicateDatabase: "42P04", insufficientPrivilege: "42501" } as const;
/** A wrong password, a user or a database that is not let in or not there: waiting mends none of them. */
const refusals: readonly string[] = ["28P01", "28000", "3D000"];
/** PostgreSQL marks by this limit a database whose removal was cut short. */
const invalidConnectionLimit = -2;

/** Sites' databases on a PostgreSQL server, by an administrator's address. */
export class PostgresSiteDatabaseServer implements SiteDatabaseServer {
  readonly #address: () => Promise<string>;

  /** `address` is asked for each use: the server may be started only then. */
  constructor(address: () => Promise<string>) {
    this.#address = address;
  }

  make(database: DatabaseIdentity, password: string): Promise<void> {
    return this.#with(async (client) => {
      const name = quoted(database);
      if (!(await isOurs(client, database))) await makeRole(client, database);
      await client.query(
        `alter role ${name} login nosuperuser nocreatedb nocreaterole noreplication connection limit ${connectionLimit} password '${scramVerifier(password)}'`,
      );
      for (const [setting, value] of Object.entries(roleSettings)) await unlessForbidden(client.query(`alter role ${name} set ${setting} = '${value}'`));
      await makeDatabase(client, database);
      // The owner keeps his rights; nobody else's role may so much as connect.
      await client.query(`revoke all on database ${name} from public`);
    });
  }

  setPassword(database: DatabaseIdentity, password: string): Promise<void> {
    return this.#with(async (client) => {
      if (!(await isOurs(client, database))) throw new Failure("site_database_not_found");
      await client.query(`alter role ${quoted(database)} password '${scramVerifier(password)}'`);
    });
  }

  drop(database: DatabaseIdentity): Promise<void> {
    return this.#with(async (client) => {
      // Without a role of ours there is no database of ours: the role is made first and dropped last.
      const found = await commentOf(client, database.name);
      if (found !== commentFor(database)) return;
      const name = quoted(database);
      await client.query(`drop database if exists ${name} with (force)`);
      await client.query(`drop role ${name}`);
    });
  }

  sizes(names: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.#with(async (client) => {
      const { rows } = await client.query<{ name: string; bytes: number }>(
        `select datname as name, pg_database_size(oid) as bytes from pg_database where datname = any($1::text[]) and datconnlimit <> ${invalidConnectionLimit}`,
        [names],
      );
      return new Map(rows.map(({ name, bytes }) => [name, bytes]));
    });
  }

  hold(database: DatabaseIdentity, hold: DatabaseHold): Promise<void> {
    return this.#with(async (client) => {
      if (!(await isOurs(client, database))) return;
      const name = quoted(database);
      await client.query(`alter role ${name} connection limit ${hold === "closed" ? 0 : connectionLimit}`);
      // Whoever wants to delete rows can still say READ WRITE; what writes without thinking is stopped.
      if (hold === "open") await client.query(`alter role ${name} reset default_transaction_read_only`);
      else await client.query(`alter role ${name} set default_transaction_read_only = on`);
      // Settings of a role hold for new sessions only.
      await client.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", [database.name]);
    });
  }

  // Rarely used, so that no connection is kept for it.
  async #with<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ ...connectionSettings(await this.#address()), statement_timeout: 60_000, query_timeout: 65_000 });
    // A connection that breaks fails its query; unheard, this event would end the process.
    client.on("error", () => undefined);
    try {
      await client.connect();
      return await work(client);
    } catch (error) {
      if (refusals.includes(String(codeOf(error)))) throw new Failure("site_databases_off", { reason: String(error) }, { cause: error });
      if (isDatabaseAway(error)) throw new Failure("component_away", { component: "server of sites' databases" }, { cause: error });
      if (isDiskFull(error)) throw new Failure("disk_full", { component: "server of sites' databases" }, { cause: error });
      throw error;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

/** Role and mark appear together or not at all: by the mark a role of another installation is told apart. */
async function makeRole(client: pg.Client, database: DatabaseIdentity): Promise<void> {
  const name = quoted(database);
  await client.query("begin");
  try {
    await client.query(`create role ${name} nologin`);
    await client.query(`comment on role ${name} is '${commentFor(database)}'`);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    // Made at the same moment by a worker whose lease has just ended.
    if (codeOf(error) !== code.duplicateObject || !(await isOurs(client, database))) throw error;
  }
}

async function makeDatabase(client: pg.Client, database: DatabaseIdentity): Promise<void> {
  const name = quoted(database);
  const { rows } = await client.query<{ limit: number; owner: string }>(
    "select datconnlimit as limit, pg_get_userbyid(datdba) as owner from pg_database where datname = $1",
    [database.name],
  );
  const [found] = rows;
  if (found !== undefined && found.owner !== database.name) throw new Failure("site_database_taken", { name: database.name });
  if (found?.limit === invalidConnectionLimit) await client.query(`drop database ${name} with (force)`);
  else if (found !== undefined) return;
  // An administrator who is no superuser has to be a member of the role to give it a database.
  await unlessForbidden(client.query(`grant ${name} to current_user`));
  await client.query(`create database ${name} owner ${name} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'`).catch((error: unknown) => {
    if (codeOf(error) !== code.duplicateDatabase) throw error;
  });
}

/** False when there is no such role. @throws {Failure} `site_database_taken` when it is something else's. */
async function isOurs(client: pg.Client, database: DatabaseIdentity): Promise<boolean> {
  const comment = await commentOf(client, database.name);
  if (comment === undefined) return false;
  if (comment !== commentFor(database)) throw new Failure("site_database_taken", { name: database.name });
  return true;
}

/** The mark of a role: null without one, undefined without a role. */
async function commentOf(client: pg.Client, role: string): Promise<string | null | undefined> {
  const { rows } = await client.query<{ comment: string | null }>("select shobj_description(oid, 'pg_authid') as comment from pg_roles where rolname = $1", [
    role,
  ]);
  return rows[0]?.comment;
}

function commentFor(database: DatabaseIdentity): string {
  if (!/^[0-9a-f-]{36}$/.test(database.id)) throw new Error(`${database.id} is no id of a database`);
  return `backlot ${database.id}`;
}

function quoted({ name }: DatabaseIdentity): string {
  if (!/^site_\d+$/.test(name)) throw new Error(`${name} is no name of a site's database`);
  return `"${name}"`;
}

/** What only a superuser may do; other administrators do without. */
async function unlessForbidden(query: Promise<unknown>): Promise<void> {
  await query.catch((error: unknown) => {
    if (codeOf(error) !== code.insufficientPrivilege) throw error;
  });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
