import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterEach, describe, expect, it } from "vitest";
import { silentLog } from "#kit/log.ts";
import { createClusterKey } from "../../test/support/fake-component.ts";
import { processesIn } from "./postgres-folder.ts";
import { prepareSocketFolder, relayAddress, SitePostgres } from "./site-postgres.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "backlot-sites-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

async function serverIn(folder: string): Promise<SitePostgres> {
  const clusterKeyFile = join(folder, "cluster.json");
  await stat(clusterKeyFile).catch(async () => writeFile(clusterKeyFile, JSON.stringify(await createClusterKey())));
  const server = new SitePostgres({
    folder: join(folder, "server"),
    socketFolder: await prepareSocketFolder(join(folder, "server")),
    clusterKeyFile,
    log: silentLog(),
  });
  cleanups.push(() => server.stop());
  return server;
}

async function ask(url: string, sql: string): Promise<readonly unknown[]> {
  const client = new pg.Client(url);
  client.on("error", () => undefined);
  try {
    await client.connect();
    return (await client.query(sql)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

describe("the server of sites' databases", () => {
  it("is not started where no site ever had one, and starts once for all who ask", async () => {
    const folder = await temporaryFolder();
    const server = await serverIn(folder);
    await server.resume();
    expect(await readdir(join(folder, "server"))).toEqual(["run"]);
    const urls = await Promise.all([server.ensure(), server.ensure(), server.ensure()]);
    expect(new Set(urls).size).toBe(1);
    expect(await ask(urls[0] ?? "", "select current_user as me")).toEqual([{ me: "backlot" }]);
  });

  it("lets in nobody without the administrator's password, which stands in none of its files", async () => {
    const folder = await temporaryFolder();
    const url = new URL(await (await serverIn(folder)).ensure());
    const { password } = url;
    expect(password).toMatch(/^[\w-]{43}$/);
    url.password = "guessed";
    await expect(ask(url.href, "select 1")).rejects.toThrow("password authentication failed");
    expect((await readdir(join(folder, "server"))).sort()).toEqual(["data", "pg_hba.conf", "run"]);
    // Beside the keys, for backups.
    const kept = join(folder, "site-databases.pgpass");
    expect(await readFile(kept, "utf8")).toBe(`*:*:*:backlot:${password}\n`);
    expect(((await stat(kept)).mode & 0o777).toString(8)).toBe("600");
    expect((await readdir(join(folder, "server/run"))).sort()).toEqual([".s.PGSQL.5432", ".s.PGSQL.5432.lock"]);
    expect(((await stat(join(folder, "server/run/.s.PGSQL.5432"))).mode & 0o777).toString(8)).toBe("777");
    expect(((await stat(join(folder, "server/data"))).mode & 0o077).toString(8)).toBe("0");
  });

  it("comes back after kill -9 at the same place, with what was committed", async () => {
    const folder = await temporaryFolder();
    const server = await serverIn(folder);
    const url = await server.ensure();
    await ask(url, "create table kept as select 42 as number");
    const [before = 0] = await processesIn(join(folder, "server/data"));
    process.kill(before, "SIGKILL");
    await expect.poll(() => ask(url, "select number from kept").catch(() => []), { timeout: 20_000 }).toEqual([{ number: 42 }]);
    expect(await server.ensure()).toBe(url);
  });

  it("ends when it is stopped, and the next start brings it back before it is asked for", async () => {
    const folder = await temporaryFolder();
    const first = await serverIn(folder);
    const url = await first.ensure();
    await ask(url, "create table kept as select 42 as number");
    await first.stop();
    expect(await processesIn(join(folder, "server/data"))).toEqual([]);
    await expect(first.ensure()).rejects.toThrow("stopping");
    const second = await serverIn(folder);
    await second.resume();
    expect(await ask(url, "select number from kept")).toEqual([{ number: 42 }]);
  });

  it("says why it cannot start, and starts as soon as that is mended", async () => {
    const folder = await temporaryFolder();
    const server = await serverIn(folder);
    await mkdir(join(folder, "server/data"), { recursive: true });
    await expect(server.ensure()).rejects.toMatchObject({ problems: [expect.stringContaining("is not a database that Backlot can read")] });
    await rm(join(folder, "server/data"), { recursive: true });
    expect(await ask(await server.ensure(), "select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("has its socket in a short folder where its own has too long a name", async () => {
    const folder = join(await temporaryFolder(), "x".repeat(100));
    await mkdir(folder);
    const server = await serverIn(folder);
    const socketFolder = new URL(await server.ensure()).searchParams.get("host") ?? "";
    cleanups.push(() => rm(socketFolder, { recursive: true, force: true }));
    expect(Buffer.byteLength(`${socketFolder}/.s.PGSQL.5432`)).toBeLessThanOrEqual(107);
    // The same at the next start: orchestrators have mounted it.
    expect(await prepareSocketFolder(join(folder, "server"))).toBe(socketFolder);
  });
});

it("an administrator's own server is relayed to by host and port, and a socket of this machine is not", () => {
  expect(relayAddress("postgres://admin:secret@db.example.org/postgres")).toBe("db.example.org:5432");
  expect(relayAddress("postgres://admin:secret@[2001:db8::1]:6000/postgres")).toBe("[2001:db8::1]:6000");
  for (const url of [undefined, "nonsense", "postgres://admin@localhost/postgres?host=/run/postgresql", "postgres:///postgres"]) {
    expect(relayAddress(url)).toBeUndefined();
  }
});
