import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addDatabase, changeDatabasePassword, deleteDatabase, readDatabase, type SiteDatabaseView } from "#contract/api/database.ts";
import { setMember } from "#contract/api/members.ts";
import { deleteSite } from "#contract/api/sites.ts";
import { PostgresSiteDatabaseServer } from "#db/sites/postgres-site-database-server.ts";
import { administratorPassword } from "#supervisor/site-postgres.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import { done, runBacklot } from "../support/backlot-cli.ts";
import type { Person } from "../support/backlot-person.ts";
import type { ProcessInfo } from "../support/backlot-processes.ts";
import { copyPackages, databaseProgram } from "../support/database-program.ts";
import { titled, whyNoSandbox } from "../support/needs.ts";

// The socket stands at its own place in a sandbox only; how it is without one: site-database-modes.test.ts.
const noSandbox = whyNoSandbox();
const inSandbox = (title: string, run: () => Promise<void>) => test.skipIf(noSandbox !== null)(titled(title, noSandbox), run);

let backlot: Backlot;
let home: string;
let ann: Person;
let bob: Person;

beforeAll(async () => {
  backlot = await startBacklot({ environment: { BACKLOT_RECONCILE_SECONDS: "1", BACKLOT_SITE_DATABASE_BYTES: "16777216" } });
  home = await mkdtemp(join(tmpdir(), "backlot-home-"));
  [ann, bob] = await Promise.all([backlot.addPerson("ann"), backlot.addPerson("bob")]);
  const folder = join(home, "rows");
  await mkdir(folder);
  for (const [path, content] of Object.entries(databaseProgram)) await writeFile(join(folder, path), content, { mode: path === "run.sh" ? 0o755 : 0o644 });
  await copyPackages(folder, ["pg"]);
  for (const [person, site] of [
    [ann, "anns"],
    [bob, "bobs"],
  ] as const) {
    await done(runBacklot(["deploy", folder, "--site", site, "--create", "--include", "node_modules"], { home, server: backlot.manager, token: person.token }));
  }
}, 180_000);
afterAll(async () => {
  await backlot[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

inSandbox("where no site has a database there is no server for them, no variable and no socket", async () => {
  expect(siteServer()).toBeUndefined();
  expect(await ann.client.call(readDatabase, { params: { name: "anns" } })).toEqual({ database: null });
  expect(await ask("anns", "/variables")).toEqual({});
  expect(await ask("anns", "/folder")).toMatchObject({ entries: "ENOENT" });
});

inSandbox("a site is given a database; its program restarts with the address, and keeps rows", async () => {
  const { operation } = await ann.client.call(addDatabase, { params: { name: "anns" } });
  expect(operation).toMatchObject({ kind: "add-database", site: "anns" });
  await ann.succeeded(operation);
  const variables = await ask("anns", "/variables");
  const database = await view("anns");
  expect(variables).toEqual(database.variables);
  expect(database).toMatchObject({ name: "site_1", username: "site_1", limitBytes: 16_777_216, state: "ready", reason: null });
  expect(database.url).toMatch(/^postgresql:\/\/site_1:[\w-]{43}@localhost\/site_1\?host=\/run\/postgresql$/);
  await ask("anns", "/setup");
  await ask("anns", "/add?words=first");
  expect(await ask("anns", "/rows")).toEqual(["first"]);
  await expect.poll(async () => (await view("anns")).bytes, { timeout: 10_000 }).toBeGreaterThan(1_000_000);
});

inSandbox("its password is for those who edit the site", async () => {
  await ann.client.call(setMember, { params: { name: "anns", username: "bob" }, body: { role: "viewer" } });
  const { database } = await bob.client.call(readDatabase, { params: { name: "anns" } });
  expect(database).toMatchObject({ name: "site_1", url: null, variables: null, state: "ready" });
  await expect(bob.client.call(addDatabase, { params: { name: "anns" } })).rejects.toMatchObject({ code: "role_too_low" });
});

inSandbox("what cannot be done is said in plain words", async () => {
  await ann.createSite("page", "static", "static");
  await expect(ann.client.call(addDatabase, { params: { name: "page" } })).rejects.toMatchObject({ code: "site_static" });
  await expect(ann.client.call(addDatabase, { params: { name: "anns" } })).rejects.toMatchObject({ code: "site_database_exists" });
  await expect(ann.client.call(deleteDatabase, { params: { name: "page" } })).rejects.toMatchObject({ code: "site_database_not_found", status: 404 });
  await expect(ann.client.call(changeDatabasePassword, { params: { name: "page" } })).rejects.toMatchObject({ code: "site_database_not_found" });
});

inSandbox("a hostile neighbour with a database of its own gets into no other one, and finds nothing else there", async () => {
  await bob.succeeded((await bob.client.call(addDatabase, { params: { name: "bobs" } })).operation);
  const own = await ask("bobs", "/variables");
  const password = own.DIRECTOR_DATABASE_PASSWORD;
  const attempt = (as: Readonly<Record<string, string | undefined>>) => ask("bobs", `/attempt?as=${encodeURIComponent(JSON.stringify(as))}`);
  expect(await attempt({ user: "site_2", password, database: "site_2" })).toBe("LET IN as site_2");
  // No rule of the server matches, or the password is wrong.
  for (const database of ["site_1", "postgres", "template1"]) expect(await attempt({ user: "site_2", password, database }), database).toBe("28000");
  expect(await attempt({ user: "site_1", password, database: "site_1" })).toBe("28P01");
  expect(await attempt({ user: "backlot", password, database: "postgres" })).toBe("28P01");
  const { entries, planted } = await ask<{ readonly entries: readonly string[]; readonly planted: string }>("bobs", "/folder");
  expect([...entries].sort()).toEqual([".s.PGSQL.5432", ".s.PGSQL.5432.lock"]);
  expect(planted).toBe("EROFS");
  // The control plane's own server.
  expect(await ask("bobs", `/reach?path=${encodeURIComponent(join(backlot.data, "postgres/run/.s.PGSQL.5432"))}`)).toBe("ENOENT");
});

inSandbox("kill -9 of the server loses no acknowledged row, and the program goes on by itself", async () => {
  const kept: string[] = [];
  let isWriting = true;
  const writing = (async () => {
    for (let number = 0; isWriting; number++) {
      const { status } = await backlot.visit("anns", `/add?words=row-${number}`).catch(() => ({ status: 0 }));
      if (status === 200) kept.push(`row-${number}`);
      else await delay(20);
    }
  })();
  for (let round = 0; round < 3; round++) {
    const before = await expect
      .poll(() => siteServer()?.pid, { timeout: 20_000 })
      .toBeDefined()
      .then(() => siteServer()?.pid ?? 0);
    const written = kept.length;
    process.kill(before, "SIGKILL");
    await expect.poll(() => kept.length, { timeout: 20_000 }).toBeGreaterThan(written + 3);
    expect(siteServer()?.pid).not.toBe(before);
  }
  isWriting = false;
  await writing;
  const rows = await ask<readonly string[]>("anns", "/rows");
  expect(kept.filter((words) => !rows.includes(words))).toEqual([]);
});

inSandbox("after a restart of everything the rows are still there, and the server is back before anyone asks", async () => {
  const before = await ask("anns", "/rows");
  await backlot.stop();
  expect(backlot.processes()).toEqual([]);
  await backlot.start();
  await expect.poll(() => siteServer()?.pid, { timeout: 20_000 }).toBeDefined();
  await expect.poll(() => backlot.visit("anns", "/rows").then(({ text }) => text), { timeout: 20_000 }).toBe(JSON.stringify(before));
});

inSandbox("a new password is the program's at once, and the old one opens nothing", async () => {
  const old = await ask("anns", "/variables");
  await ann.succeeded((await ann.client.call(changeDatabasePassword, { params: { name: "anns" } })).operation);
  const now = await ask("anns", "/variables");
  expect(now.DIRECTOR_DATABASE_PASSWORD).not.toBe(old.DIRECTOR_DATABASE_PASSWORD);
  const as = { user: "site_1", database: "site_1", password: old.DIRECTOR_DATABASE_PASSWORD };
  expect(await ask("anns", `/attempt?as=${encodeURIComponent(JSON.stringify(as))}`)).toBe("28P01");
  expect(await ask("anns", "/rows")).toContain("first");
});

inSandbox("one that has outgrown its limit takes no writes until it has shrunk", async () => {
  const add = () => backlot.visit("anns", "/add?words=more");
  const fill = async (): Promise<string> => {
    const { state } = await view("anns");
    // The session that goes too far is ended in the middle of it.
    if (state === "ready") await backlot.visit("anns", "/fill");
    return state;
  };
  await expect.poll(fill, { timeout: 20_000, interval: 100 }).toBe("read-only");
  expect((await view("anns")).reason).toContain("BEGIN READ WRITE");
  await expect.poll(async () => (await add()).text, { timeout: 10_000 }).toContain("read-only transaction");
  await ask("anns", "/shrink");
  await expect.poll(async () => (await view("anns")).state, { timeout: 20_000 }).toBe("ready");
  await expect.poll(async () => (await add()).status, { timeout: 10_000 }).toBe(200);
  expect((await (await server()).sizes(["site_1"])).get("site_1")).toBeLessThan(16_777_216);
});

inSandbox("it is deleted with everything in it, and the program is started without it", async () => {
  await ann.succeeded((await ann.client.call(deleteDatabase, { params: { name: "anns" } })).operation);
  expect(await ann.client.call(readDatabase, { params: { name: "anns" } })).toEqual({ database: null });
  expect(await ask("anns", "/variables")).toEqual({});
  expect(await ask("anns", "/folder")).toMatchObject({ entries: "ENOENT" });
  expect([...(await (await server()).sizes(["site_1", "site_2"])).keys()]).toEqual(["site_2"]);
  await ann.succeeded((await ann.client.call(addDatabase, { params: { name: "anns" } })).operation);
  expect((await backlot.visit("anns", "/rows")).text).toContain('relation "kept" does not exist');
});

inSandbox("with its site a database goes too", async () => {
  await bob.succeeded((await bob.client.call(deleteSite, { params: { name: "bobs" } })).operation);
  expect([...(await (await server()).sizes(["site_1", "site_2"])).keys()]).toEqual(["site_1"]);
  expect((await readdir(join(backlot.data, "site-postgres"))).sort()).toEqual(["data", "pg_hba.conf", "run"]);
});

async function ask<T = Readonly<Record<string, string>>>(site: string, path: string): Promise<T> {
  const { status, text } = await backlot.visit(site, path);
  if (status !== 200) throw new Error(`${path} of ${site} answers ${status}: ${text}`);
  return JSON.parse(text);
}

async function view(name: string): Promise<SiteDatabaseView> {
  const { database } = await ann.client.call(readDatabase, { params: { name } });
  if (database === null) throw new Error(`${name} has no database`);
  return database;
}

/** The administrator's way in. */
async function server(): Promise<PostgresSiteDatabaseServer> {
  const password = await administratorPassword(join(backlot.data, "keys/cluster.json"));
  const host = encodeURIComponent(join(backlot.data, "site-postgres/run"));
  return new PostgresSiteDatabaseServer(async () => `postgres://backlot:${password}@localhost/postgres?host=${host}`);
}

function siteServer(): ProcessInfo | undefined {
  return backlot.processes().find(({ command }) => /postgres .*-D .*site-postgres/.test(command));
}
