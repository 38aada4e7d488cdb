import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { migrate } from "#db/migrate.ts";
import { silentLog } from "#kit/log.ts";
import { childEnvironment } from "./child-environment.ts";
import { keeperDoor } from "./keeper-door.ts";

/** A database of one test file's own, with all tables and no rows. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  /** Removes it, although somebody may still be connected. */
  drop(): Promise<void>;
}

const here = import.meta.dirname;
const migrationsFolder = join(here, "../../src/db/migrations");
let shared: Promise<string> | undefined;

/** A new database on the server of `BACKLOT_TEST_DATABASE_URL`, or on a private one that all test files share; an empty one has no tables. */
export async function createTestDatabase(options: { readonly isEmpty?: boolean } = {}): Promise<TestDatabase> {
  shared ??= serverUrl();
  return createDatabaseOn(await shared, options);
}

/** A new database on a given server, whose user may create databases: a copy of one that has the tables. */
export async function createDatabaseOn(server: string, options: { readonly isEmpty?: boolean } = {}): Promise<TestDatabase> {
  const name = `backlot_test_${randomBytes(6).toString("hex")}`;
  const template = options.isEmpty === true ? "template0" : await templateOn(server);
  await run(server, (client) => client.query(`create database ${name} template ${template} encoding 'UTF8' lc_collate 'C' lc_ctype 'C'`));
  const drop = () => run(server, (client) => client.query(`drop database if exists ${name} with (force)`));
  return { url: withDatabase(server, name), drop, [Symbol.asyncDispose]: drop };
}

/** The database that others are copied from; its name holds the migrations' fingerprint. */
async function templateOn(server: string): Promise<string> {
  const hash = createHash("sha256");
  for (const file of (await readdir(migrationsFolder)).sort()) hash.update(await readFile(join(migrationsFolder, file)));
  const name = `backlot_template_${hash.digest("hex").slice(0, 12)}`;
  await run(server, async (client) => {
    const isThere = async () => (await client.query("select 1 from pg_database where datname = $1", [name])).rowCount === 1;
    if (await isThere()) return;
    // Test files start together: one makes it, the others wait.
    await client.query("select pg_advisory_lock(7324001)");
    if (await isThere()) return;
    const making = `${name}_making`;
    await client.query(`drop database if exists ${making} with (force)`);
    await client.query(`create database ${making} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'`);
    await migrate({ url: withDatabase(server, making), log: silentLog() });
    await client.query(`alter database ${making} rename to ${name}`);
  });
  return name;
}

async function run(server: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client(server);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function withDatabase(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function serverUrl(): Promise<string> {
  const given = process.env.BACKLOT_TEST_DATABASE_URL;
  if (given !== undefined && given !== "") return given;
  const fingerprint = createHash("sha256").update(`${here}:${process.getuid?.()}`).digest("hex").slice(0, 12);
  const folder = join(tmpdir(), `backlot-test-database-${fingerprint}`);
  const deadline = Date.now() + 60_000;
  let keeper: ChildProcess | undefined;
  while (Date.now() < deadline) {
    const url = await askKeeper(keeperDoor(folder));
    if (url !== null) return url;
    // One at a time: it ends at once when another test file's is quicker.
    if (keeper === undefined || keeper.exitCode !== null || keeper.signalCode !== null) {
      keeper = spawn("flock", ["--nonblock", "--close", `${folder}.lock`, process.execPath, join(here, "database-keeper.ts"), folder], {
        detached: true,
        env: { ...process.env, ...childEnvironment },
        stdio: "ignore",
      });
      keeper.unref();
    }
    await delay(50);
  }
  throw new Error("the test database did not start; run `node test/support/database-keeper.ts /tmp/x` to see why");
}

/** The keeper's database; null when there is no keeper, or it is just going. The connection stays open as long as this process. */
function askKeeper(address: string): Promise<string | null> {
  return new Promise((resolve) => {
    let text = "";
    const socket: Socket = connect(address);
    socket.on("data", (chunk) => {
      text += chunk.toString();
      if (!text.endsWith("\n")) return;
      socket.unref();
      resolve(text.trim());
    });
    socket.on("error", () => resolve(null));
    socket.on("close", () => resolve(null));
  });
}
