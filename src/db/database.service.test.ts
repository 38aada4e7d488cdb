import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import type { Failure } from "#contract/failure.ts";
import { silentLog } from "#kit/log.ts";
import { startPrivatePostgres } from "#supervisor/private-postgres.ts";
import { createTestDatabase } from "../../test/support/test-database.ts";
import { type Database, openDatabase } from "./database.ts";
import { Listener } from "./listener.ts";
import { migrate } from "./migrate.ts";

const log = silentLog();

async function runningQueries(url: string): Promise<number> {
  await using db = openDatabase({ url, maxConnections: 1, log });
  const { rows } = await sql<{ n: number }>`select count(*) as n from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'`.execute(db);
  return rows[0]?.n ?? 0;
}

/** The number of the server's process that answers. */
async function answerer(db: Database): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
  return rows[0]?.pid ?? 0;
}

describe("a database", () => {
  it("that is killed while it is asked fails each question with something to tell people, and answers again when it is back", async () => {
    const folder = await mkdtemp(join(tmpdir(), "backlot-killed-"));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(folder, { recursive: true }));
    const first = await startPrivatePostgres({ folder, log });
    await migrate({ url: first.url, log });
    const db = stack.use(openDatabase({ url: first.url, maxConnections: 5, log }));
    const asking = Array.from({ length: 8 }, () => sql`select pg_sleep(60)`.execute(db).catch((error: unknown) => error));
    const listener = stack.adopt(new Listener({ url: first.url, log, onNotification: () => undefined, onConnected: () => undefined }), (it) => it.stop());
    listener.start();
    while ((await runningQueries(first.url)) < 5) await delay(10);
    process.kill(first.pid, "SIGKILL");
    for (const answer of await Promise.all(asking)) expect(answer).toMatchObject({ code: "component_away", details: { component: "database" } });
    await first.exited;
    const second = stack.adopt(await startPrivatePostgres({ folder, log }), (server) => server.stop());
    expect(second.url).toBe(first.url);
    expect(await db.selectFrom("users").select("id").execute()).toEqual([]);
  });

  it("that goes silent fails what it is asked with something to tell people, and its connection is not used again", { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "backlot-silent-"));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(folder, { recursive: true }));
    const server = stack.adopt(await startPrivatePostgres({ folder, log }), (it) => it.stop());
    const open = () => stack.use(openDatabase({ url: server.url, maxConnections: 1, log, statementTimeoutMs: 1_000 }));
    const silence = (pid: number) => {
      process.kill(pid, "SIGSTOP");
      stack.defer(() => void process.kill(pid, "SIGCONT"));
    };
    const [plain, transacting] = [open(), open()];
    const silenced: number[] = [];
    const asked = await Promise.all([
      (async () => {
        silenced[0] = await answerer(plain);
        silence(silenced[0]);
        return answerer(plain).catch((error: unknown) => error as Failure);
      })(),
      transacting
        .transaction()
        .execute(async (change) => {
          silenced[1] = await answerer(change);
          silence(silenced[1]);
          return answerer(change);
        })
        .catch((error: unknown) => error as Failure),
    ]);
    for (const answer of asked) expect(answer).toMatchObject({ code: "component_away", details: { component: "database" } });
    for (const [index, db] of [plain, transacting].entries()) expect(await answerer(db)).not.toBe(silenced[index]);
  });

  it("gives up a statement that takes too long", async () => {
    await using database = await createTestDatabase();
    await using db = openDatabase({ url: database.url, maxConnections: 1, log, statementTimeoutMs: 50 });
    await expect(sql`select pg_sleep(10)`.execute(db)).rejects.toThrow("statement timeout");
  });

  it("reads large counters as numbers, and refuses those that would be rounded", async () => {
    await using database = await createTestDatabase();
    await using db = openDatabase({ url: database.url, maxConnections: 1, log });
    expect((await sql`select 9007199254740991::bigint as n`.execute(db)).rows).toEqual([{ n: 9_007_199_254_740_991 }]);
    await expect(sql`select 9007199254740993::bigint as n`.execute(db)).rejects.toThrow("too large");
  });
});
