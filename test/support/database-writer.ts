// A child of the kill test: starts the private PostgreSQL in the folder of argv and commits rows, printing each number once it is committed.
import { writeSync } from "node:fs";
import pg from "pg";
import { silentLog } from "#kit/log.ts";
import { startPrivatePostgres } from "#supervisor/private-postgres.ts";

const [folder = "", round = "0"] = process.argv.slice(2);
const server = await startPrivatePostgres({ folder, log: silentLog() });
const pool = new pg.Pool({ connectionString: server.url, max: 4 });
await pool.query("create table if not exists written (round int, number int, filler text, primary key (round, number))");

let next = 0;
async function write(): Promise<void> {
  while (true) {
    const number = next++;
    await pool.query("insert into written values ($1, $2, repeat('x', 500))", [Number(round), number]);
    // Synchronously, so that what the parent never sees was never printed.
    writeSync(1, `${number}\n`);
  }
}
await Promise.all([write(), write(), write(), write()]);
