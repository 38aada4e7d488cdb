import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { afterEach, describe, expect, it } from "vitest";
import { ConfigError } from "#kit/config.ts";
import { silentLog } from "#kit/log.ts";
import { startPrivatePostgres } from "#supervisor/private-postgres.ts";
import { childEnvironment } from "../../test/support/child-environment.ts";
import { createTestDatabase, type TestDatabase } from "../../test/support/test-database.ts";
import { type Database, openDatabase } from "./database.ts";
import { migrate } from "./migrate.ts";

const log = silentLog();
const migrator = fileURLToPath(new URL("../../test/support/migrator.ts", import.meta.url));
// Every file of the folder has to be in the list of migrations, under its own name.
const all = readdirSync(fileURLToPath(new URL("./migrations", import.meta.url)))
  .map((name) => name.replace(/\.ts$/, ""))
  .sort();
const databases: TestDatabase[] = [];

afterEach(async () => {
  for (const database of databases.splice(0)) await database.drop();
});

async function aDatabase(options: { readonly isEmpty: boolean }): Promise<string> {
  const database = await createTestDatabase(options);
  databases.push(database);
  return database.url;
}

function open(url: string): Database {
  return openDatabase({ url, maxConnections: 2, log });
}

async function migrationsOf(url: string): Promise<readonly string[]> {
  await using db = open(url);
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map((row) => row.name);
}

describe("migrating", () => {
  it("makes the tables once, when five processes do it at the same moment", async () => {
    const url = await aDatabase({ isEmpty: true });
    const children = Array.from({ length: 5 }, () => spawn(process.execPath, [migrator, url], { env: childEnvironment, stdio: ["pipe", "pipe", "inherit"] }));
    await Promise.all(children.map((child) => once(child.stdout, "data")));
    const ends = children.map((child) => once(child, "exit"));
    for (const child of children) child.stdin.end("go");
    expect(await Promise.all(ends)).toEqual(Array.from({ length: 5 }, () => [0, null]));
    expect(await migrationsOf(url)).toEqual(all);
    await using db = open(url);
    expect(await db.selectFrom("routeClock").selectAll().execute()).toEqual([{ id: true, version: 0 }]);
  });

  it("does nothing the second time", async () => {
    const url = await aDatabase({ isEmpty: false });
    await using db = open(url);
    await db.insertInto("settings").values({ key: "kept", value: "1" }).execute();
    await migrate({ url, log });
    expect(await db.selectFrom("settings").selectAll().execute()).toEqual([{ key: "kept", value: "1" }]);
  });

  it("refuses a database that a newer Backlot has changed, and leaves it as it is", async () => {
    const url = await aDatabase({ isEmpty: false });
    await using db = open(url);
    await sql`insert into kysely_migration (name, timestamp) values ('9999-future', '')`.execute(db);
    await expect(migrate({ url, log })).rejects.toThrow(ConfigError);
    await expect(migrate({ url, log })).rejects.toThrow("was changed by a newer Backlot (9999-future)");
    expect(await migrationsOf(url)).toEqual([...all, "9999-future"]);
  });

  it("leaves nothing half made when it is cut short", async () => {
    const url = await aDatabase({ isEmpty: true });
    await using db = open(url);
    // The last table of the first migration is there already: everything before it is taken back.
    await sql`create table familiar_addresses (other int)`.execute(db);
    await expect(migrate({ url, log })).rejects.toThrow("familiar_addresses");
    const { rows } = await sql<{ name: string }>`select tablename as name from pg_tables where schemaname = 'public' and tablename not like 'kysely%'`.execute(
      db,
    );
    expect(rows).toEqual([{ name: "familiar_addresses" }]);
    await sql`drop table familiar_addresses`.execute(db);
    await migrate({ url, log });
    expect(await migrationsOf(url)).toEqual(all);
  });

  it("refuses a database that cannot keep every letter", async () => {
    const url = await aDatabase({ isEmpty: true });
    await using db = open(url);
    const name = `${new URL(url).pathname.slice(1)}_latin`;
    await sql.raw(`create database ${name} template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'`).execute(db);
    const latin = new URL(url);
    latin.pathname = `/${name}`;
    await expect(migrate({ url: latin.href, log })).rejects.toThrow("Backlot needs UTF8");
    await sql.raw(`drop database ${name}`).execute(db);
  });
});

describe("a database that is not there", () => {
  it("is waited for, since it may be starting", async () => {
    const folder = await mkdtemp(join(tmpdir(), "backlot-late-"));
    const url = `postgres://backlot@localhost/postgres?host=${encodeURIComponent(join(folder, "run"))}`;
    const migrating = migrate({ url, log });
    const server = await startPrivatePostgres({ folder, log });
    try {
      await migrating;
      expect(server.url).toBe(url);
      expect(await migrationsOf(url)).toEqual(all);
    } finally {
      await server.stop();
      await rm(folder, { recursive: true });
    }
  });

  it("is something that people can be told", async () => {
    await using db = open("postgres://backlot@localhost/postgres?host=/nonexistent");
    await expect(db.selectFrom("users").select("id").execute()).rejects.toMatchObject({
      code: "component_away",
      status: 503,
      details: { component: "database" },
    });
    await expect(migrate({ url: "postgres://backlot@localhost/postgres?host=/nonexistent", log, patienceMs: 0 })).rejects.toMatchObject({
      code: "component_away",
    });
  });

  it("is not waited for when its name is wrong", async () => {
    const url = new URL(await aDatabase({ isEmpty: true }));
    url.pathname = "/no_such_database";
    await expect(migrate({ url: url.href, log })).rejects.toThrow(ConfigError);
    await expect(migrate({ url: url.href, log })).rejects.toThrow("createdb");
  });
});
