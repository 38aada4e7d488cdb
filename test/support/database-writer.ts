// A child of the kill test: starts the private PostgreSQL in the folder of argv and commits rows, printing each number once it is committed.
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
    // At the parent's pace: a slow one must not end the test.
    await new Promise<void>((resolve) => process.stdout.write(`${number}\n`, () => resolve()));
  }
}
await Promise.all([write(), write(), write(), write()]);
