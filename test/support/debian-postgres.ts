// The distribution's own PostgreSQL, as an administrator's DATABASE_URL names one: by TCP alone, on a free loopback port, with a password.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { silentLog } from "#kit/log.ts";
import { otherUser } from "#supervisor/postgres-account.ts";
import { debianPrograms } from "#supervisor/postgres-programs.ts";
import { type PrivatePostgres, startPrivatePostgres } from "#supervisor/private-postgres.ts";
import type { Missing } from "./needs.ts";

/** Why there is none; null where there is one. */
export async function whyNoDebianPostgres(): Promise<Missing> {
  return (await debianPrograms()).length === 0 ? "not installed: the distribution's PostgreSQL (Debian's postgresql)" : null;
}

/** A server of one test file's own, in a temporary folder and never as root. */
export interface DebianPostgres extends AsyncDisposable {
  /** An empty database, as the user who owns it and nothing else. */
  readonly url: string;
  /** Kills it in the middle of whatever it does, and starts it again on the same port. */
  restart(): Promise<void>;
}

export async function startDebianPostgres(): Promise<DebianPostgres> {
  const folder = await mkdtemp(join(tmpdir(), "backlot-debian-"));
  const [port, password] = [await freePort(), randomBytes(12).toString("hex")];
  // The user whom Debian's package makes for it; an ordinary user's tests run it as themselves.
  const account = process.getuid?.() === 0 ? await otherUser() : undefined;
  const open = async (): Promise<PrivatePostgres> =>
    startPrivatePostgres({
      folder,
      log: silentLog(),
      installed: await debianPrograms(),
      settings: { listen_addresses: "127.0.0.1", port: String(port), unix_socket_directories: "", fsync: "off", max_connections: "100" },
      shared: { socketFolder: join(folder, "run"), password, rules: ["host all all 127.0.0.1/32 scram-sha-256"] },
      ...(account === undefined ? {} : { account }),
    });
  let server = await open();
  const end = async (): Promise<void> => {
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await makeDatabase(`postgres://backlot:${password}@127.0.0.1:${port}/postgres`, password);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    url: `postgres://lot:${password}@127.0.0.1:${port}/lot`,
    async restart() {
      process.kill(server.pid, "SIGKILL");
      await server.exited;
      server = await open();
    },
    [Symbol.asyncDispose]: end,
  };
}

async function makeDatabase(administrator: string, password: string): Promise<void> {
  const client = new pg.Client(administrator);
  await client.connect();
  try {
    await client.query(`create role lot login password '${password}'`);
    await client.query("create database lot owner lot");
  } finally {
    await client.end();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
