import { spawn } from "node:child_process";
import { once } from "node:events";
import { sql } from "kysely";
import { afterAll, describe, expect, it } from "vitest";
import { silentLog } from "#kit/log.ts";
import { createTestDatabase } from "../../test/support/test-database.ts";
import { openDatabase } from "./database.ts";
import { migrate } from "./migrate.ts";

const log = silentLog();
const database = await createTestDatabase();
afterAll(() => database.drop());

describe("migrating", () => {
  it("makes every table, and does nothing the second time", async () => {
    await using db = openDatabase({ url: database.url, maxConnections: 2, log });
    const { rows } = await sql<{ n: number }>`select count(*) as n from users`.execute(db);
    expect(rows).toEqual([{ n: 0 }]);
    await migrate({ url: database.url, log });
  });
});
