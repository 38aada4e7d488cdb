import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silentLog } from "#kit/log.ts";
import { debianPrograms } from "#supervisor/postgres-programs.ts";
import { startPrivatePostgres } from "#supervisor/private-postgres.ts";
import { SitePostgres } from "#supervisor/site-postgres.ts";
import { createClusterKey } from "../../../test/support/fake-component.ts";
import { PostgresSiteDatabaseServer } from "./postgres-site-database-server.ts";

const cleanUp = new AsyncDisposableStack();
afterAll(() => cleanUp.disposeAsync());

/** The private server as the supervisor keeps it, and a server of an administrator's own: of another version, where everyone may try every database. */
const kinds: readonly (readonly [string, () => Promise<string>])[] = [
  [
    "the private server",
    async () => {
      const folder = await temporaryFolder();
      const clusterKeyFile = join(folder, "cluster.json");
      await writeFile(clusterKeyFile, JSON.stringify(await createClusterKey()));
      const server = new SitePostgres({ folder: join(folder, "server"), socketFolder: join(folder, "run"), clusterKeyFile, log: silentLog() });
      cleanUp.defer(() => server.stop());
      return server.ensure();
    },
  ],
  [
    "an administrator's own server",
    async () => {
      const folder = await temporaryFolder();
      const installed = await debianPrograms();
      const door = { socketFolder: join(folder, "run"), password: "administrators", rules: ["local all all scram-sha-256"] };
      const server = await startPrivatePostgres({
        folder: join(folder, "server"),
        log: silentLog(),
        shared: door,
        ...(installed.length === 0 ? {} : { installed: installed.slice(0, 1) }),
      });
      cleanUp.defer(() => server.stop());
      return server.url;
    },
  ],
];

describe.each(kinds)("databases of sites on %s", (_kind, start) => {
  let url: string;
  let server: PostgresSiteDatabaseServer;
  const ann = { name: "site_12", id: randomUUID() };
  const ben = { name: "site_13", id: randomUUID() };

  beforeAll(async () => {
    url = await start();
    server = new PostgresSiteDatabaseServer(async () => url);
    await server.make(ann, "anns");
    await server.make(ben, "bens");
  }, 60_000);

  it("belong to their site, which may do in its own what it likes", async () => {
    await ask({ user: "site_12", password: "anns" }, "create table kept as select 42 as number");
    await ask({ user: "site_12", password: "anns" }, "create schema more; create table more.kept (id serial primary key, words text)");
    expect(await ask({ user: "site_12", password: "anns" }, "select number from kept")).toEqual([{ number: 42 }]);
  });

  it("are made once, however often it is asked, and keep what is in them", async () => {
    await server.make(ann, "anns");
    await Promise.all([server.make(ann, "anns"), server.make(ann, "anns")]).catch((error: Error) => expect(error.message).toContain("concurrently updated"));
    expect(await ask({ user: "site_12", password: "anns" }, "select number from kept")).toEqual([{ number: 42 }]);
  });

  it("are closed to a neighbour with a password of its own, and to one who guesses", async () => {
    const tries = [
      { user: "site_13", password: "bens", database: "site_12" },
      { user: "site_13", password: "bens", database: "postgres" },
      { user: "site_13", password: "bens", database: "template1" },
      { user: "site_12", password: "bens" },
      { user: "site_12", password: "" },
      { user: "backlot", password: "bens", database: "postgres" },
      { user: "backlot", password: "bens", database: "site_12" },
    ];
    const results = await Promise.all(
      tries.map((attempt) =>
        ask(attempt, "select 1").then(
          () => "let in",
          (error: Error) => error.message,
        ),
      ),
    );
    // On a server of the administrator's own its other databases are the administrator's to close.
    const isLetIn = results.map((result) => result === "let in");
    expect(isLetIn.map((is, index) => is && !["postgres", "template1"].includes(tries[index]?.database ?? ""))).toEqual(tries.map(() => false));
    if (_kind === "the private server") expect(isLetIn).toEqual(tries.map(() => false));
  });

  it("give no role a way to another's rows, to files, to programs or to more rights", async () => {
    const ben = { user: "site_13", password: "bens" };
    const forbidden = [
      "set role site_12",
      "grant site_12 to site_13",
      "alter role site_12 password 'mine'",
      "alter role site_13 superuser",
      "alter role site_13 connection limit 1000",
      "alter role site_13 set temp_file_limit = -1",
      "create database more",
      "create role more",
      "copy (select 1) to program 'true'",
      "create table t (l text); copy t from '/etc/passwd'",
      "select pg_read_file('/etc/passwd')",
      "select lo_import('/etc/passwd')",
      "create extension dblink",
      "alter system set fsync = off",
      "alter database site_12 rename to mine",
      "drop database site_12",
      "comment on role site_13 is 'mine'",
    ];
    const results = await Promise.all(
      forbidden.map((sql) =>
        ask(ben, sql).then(
          () => `did ${sql}`,
          () => "refused",
        ),
      ),
    );
    expect(results).toEqual(forbidden.map(() => "refused"));
    await expect(ask(ben, "select * from kept")).rejects.toThrow('relation "kept" does not exist');
  });

  it("let in ten connections each, and begin a session with limits", async () => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => connect({ user: "site_13", password: "bens" })));
    await expect(connect({ user: "site_13", password: "bens" })).rejects.toThrow("too many connections for role");
    await expect(connect({ user: "site_12", password: "anns" }).then((client) => client.end())).resolves.toBeUndefined();
    await Promise.all(clients.map((client) => client.end()));
    const settings =
      "select current_setting('statement_timeout') as a, current_setting('idle_in_transaction_session_timeout') as b, current_setting('temp_file_limit') as c";
    await expect.poll(() => ask({ user: "site_13", password: "bens" }, settings).catch(() => null)).toEqual([{ a: "1min", b: "1min", c: "256MB" }]);
  });

  it("take a new password and refuse the old one", async () => {
    await server.setPassword(ben, "new");
    await expect(ask({ user: "site_13", password: "bens" }, "select 1")).rejects.toThrow("password authentication failed");
    expect(await ask({ user: "site_13", password: "new" }, "select 1 as one")).toEqual([{ one: 1 }]);
    await server.setPassword(ben, "bens");
  });

  it("that are too large take no writes, or nobody in, until they have shrunk", async () => {
    const client = await connect({ user: "site_13", password: "bens" });
    await client.query("create table big (bytes bytea)");
    const ended = new Promise((resolve) => client.once("end", resolve));
    await server.hold(ben, "read-only");
    await ended;
    await expect(ask({ user: "site_13", password: "bens" }, "insert into big values ('')")).rejects.toThrow("read-only transaction");
    // Whoever knows how can still delete.
    await ask({ user: "site_13", password: "bens" }, "begin read write; truncate big; commit");
    await server.hold(ben, "closed");
    await expect(ask({ user: "site_13", password: "bens" }, "select 1")).rejects.toThrow("too many connections for role");
    await server.hold(ben, "open");
    expect(await ask({ user: "site_13", password: "bens" }, "insert into big values ('') returning 1 as one")).toEqual([{ one: 1 }]);
  });

  it("are measured by name; what is not there is left out", async () => {
    const sizes = await server.sizes(["site_12", "site_13", "site_99"]);
    expect([...sizes.keys()].sort()).toEqual(["site_12", "site_13"]);
    for (const bytes of sizes.values()) expect(bytes).toBeGreaterThan(1_000_000);
  });

  it("of another installation with the same number are neither taken over nor dropped", async () => {
    const stranger = { name: "site_12", id: randomUUID() };
    await expect(server.make(stranger, "mine")).rejects.toMatchObject({ code: "site_database_taken" });
    await expect(server.setPassword(stranger, "mine")).rejects.toMatchObject({ code: "site_database_taken" });
    await server.drop(stranger);
    expect(await ask({ user: "site_12", password: "anns" }, "select number from kept")).toEqual([{ number: 42 }]);
  });

  it("go with role and connections, and are gone when it is asked again", async () => {
    const client = await connect({ user: "site_12", password: "anns" });
    const ended = new Promise((resolve) => client.once("end", resolve));
    await server.drop(ann);
    await ended;
    await server.drop(ann);
    expect((await server.sizes(["site_12"])).size).toBe(0);
    await expect(ask({ user: "site_12", password: "anns" }, "select 1")).rejects.toThrow("password authentication failed");
    await server.make(ann, "again");
    await expect(ask({ user: "site_12", password: "again" }, "select * from kept")).rejects.toThrow("does not exist");
  });

  it("of a server that refuses the administrator are off, and of one that is away are tried again", async () => {
    const wrong = new URL(url);
    wrong.password = "wrong";
    await expect(new PostgresSiteDatabaseServer(async () => wrong.href).sizes([])).rejects.toMatchObject({ code: "site_databases_off" });
    const away = "postgres://backlot@localhost/postgres?host=/nowhere";
    await expect(new PostgresSiteDatabaseServer(async () => away).sizes([])).rejects.toMatchObject({ code: "component_away" });
  });

  async function connect(as: { readonly user: string; readonly password: string; readonly database?: string }): Promise<pg.Client> {
    const host = new URL(url).searchParams.get("host") ?? "";
    const client = new pg.Client({ ...as, host, database: as.database ?? as.user });
    client.on("error", () => undefined);
    // A connection left in the middle of signing in holds up every DROP DATABASE until the server ends it.
    await client.connect().catch(async (error: unknown) => {
      await client.end().catch(() => undefined);
      throw error;
    });
    return client;
  }

  async function ask(as: Parameters<typeof connect>[0], sql: string): Promise<readonly unknown[]> {
    const client = await connect(as);
    try {
      const answer: unknown = await client.query(sql);
      return Array.isArray(answer) ? [] : (answer as pg.QueryResult).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "backlot-sites-pg-"));
  cleanUp.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}
