import { setTimeout as delay } from "node:timers/promises";
import { sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { Failure } from "#contract/failure.ts";
import { ConfigError } from "#kit/config.ts";
import type { Log } from "#kit/log.ts";
import { type Database, openDatabase } from "./database.ts";
import { connectionRefusal } from "./database-error.ts";
import { foundation } from "./migrations/0001-foundation.ts";
import { siteDatabases } from "./migrations/0002-site-databases.ts";
import { siteEgress } from "./migrations/0003-site-egress.ts";
import { tasks } from "./migrations/0004-tasks.ts";
import { doors } from "./migrations/0005-doors.ts";
import { sshKeys } from "./migrations/0006-ssh-keys.ts";
import { taskAttempts } from "./migrations/0007-task-attempts.ts";
import { nodes } from "./migrations/0008-nodes.ts";
import { images } from "./migrations/0009-images.ts";
import { siteCache } from "./migrations/0010-site-cache.ts";
import { taskClaims } from "./migrations/0011-task-claims.ts";
import { dedicated } from "./migrations/0012-dedicated.ts";
import { taskPeople } from "./migrations/0013-task-people.ts";
import { taskRights } from "./migrations/0014-task-rights.ts";

/** Every change of the tables, in order. One that was released is never edited. */
const migrations: Readonly<Record<string, Migration>> = {
  "0001-foundation": foundation,
  "0002-site-databases": siteDatabases,
  "0003-site-egress": siteEgress,
  "0004-tasks": tasks,
  "0005-doors": doors,
  "0006-ssh-keys": sshKeys,
  "0007-task-attempts": taskAttempts,
  "0008-nodes": nodes,
  "0009-images": images,
  "0010-site-cache": siteCache,
  "0011-task-claims": taskClaims,
  "0012-dedicated": dedicated,
  "0013-task-people": taskPeople,
  "0014-task-rights": taskRights,
};

const oldestServer = 140_000;

/** How long a database that is still starting is waited for. */
const patienceMs = 30_000;

/**
 * Brings the tables up to what this code needs, all or nothing. Several processes may do so at once: one works, the others wait.
 * @throws {ConfigError} when a newer Backlot changed the tables already, the server is too old, or it lets us in nowhere.
 */
export async function migrate(options: { readonly url: string; readonly log: Log; readonly patienceMs?: number }): Promise<void> {
  // A connection of its own without a limit of time: those that wait for a long migration must not give up.
  await using db = openDatabase({ ...options, maxConnections: 2, statementTimeoutMs: 0 });
  await awaitDatabase(db, options.log, options.patienceMs ?? patienceMs);
  await checkServer(db);
  await refuseNewer(db);
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } });
  const { error, results } = await migrator.migrateToLatest();
  for (const result of results ?? []) options.log.info({ migration: result.migrationName, status: result.status }, "database migration");
  if (error === undefined) return;
  // A newer Backlot may have been quicker while we waited.
  await refuseNewer(db);
  throw error;
}

async function awaitDatabase(db: Database, log: Log, patienceMs: number): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (true) {
    try {
      await sql`select 1`.execute(db);
      return;
    } catch (error) {
      const refusal = connectionRefusal(error);
      if (refusal !== null) throw new ConfigError([refusal]);
      const isAway = error instanceof Failure && error.code === "component_away";
      if (!isAway || Date.now() > deadline) throw error;
      log.warn({ err: error.cause }, "waiting for the database");
      await delay(500);
    }
  }
}

async function checkServer(db: Database): Promise<void> {
  const { rows } = await sql<{ version: number; name: string; encoding: string }>`
    select current_setting('server_version_num')::int as version, current_setting('server_version') as name, current_setting('server_encoding') as encoding`.execute(
    db,
  );
  const server = rows[0];
  if (server === undefined) throw new Error("the server did not say its version");
  if (server.version < oldestServer) {
    throw new ConfigError([`The database server is PostgreSQL ${server.name}; Backlot needs 14 or newer. Upgrade it, or set DATABASE_URL to another.`]);
  }
  if (server.encoding !== "UTF8") {
    throw new ConfigError([`The database's encoding is ${server.encoding}; Backlot needs UTF8. Create one with \`createdb -E UTF8 -T template0\`.`]);
  }
}

async function refuseNewer(db: Database): Promise<void> {
  const { rows: tables } = await sql<{ exists: boolean }>`select to_regclass('kysely_migration') is not null as exists`.execute(db);
  if (tables[0]?.exists !== true) return;
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  const unknown = rows.map((row) => row.name).filter((name) => !(name in migrations));
  if (unknown.length === 0) return;
  throw new ConfigError([
    `The database was changed by a newer Backlot (${unknown.join(", ")}). Install that version again, or restore a backup from before the upgrade.`,
  ]);
}
