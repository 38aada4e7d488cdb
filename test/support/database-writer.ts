// A child of the kill test: starts the private PostgreSQL in the folder of argv, prints the rows that are there, and commits more, printing each once it is committed.
import { flushCompileCache } from "node:module";
import pg from "pg";
import { silentLog } from "#kit/log.ts";
import { startPrivatePostgres } from "#supervisor/private-postgres.ts";

const [folder = "", round = "0"] = process.argv.slice(2);
// One that is killed would leave nothing of what it has compiled.
flushCompileCache();
const server = await startPrivatePostgres({ folder, log: silentLog() });
const pool = new pg.Pool({ connectionString: server.url, max: 4 });
await pool.query("create table if not exists written (round int, number int, filler text, primary key (round, number))");
const { rows } = await pool.query("select round || ':' || number as key from written");
process.stdout.write(`${rows.map(({ key }) => `${key}\n`).join("")}that is all\n`);

let next = 0;
async function write(): Promise<void> {
  while (true) {
    const number = next++;
    await pool.query("insert into written values ($1, $2, repeat('x', 500))", [Number(round), number]);
    // At the parent's pace: a slow one must not end the test.
    await new Promise<void>((resolve) => process.stdout.write(`${round}:${number}\n`, () => resolve()));
  }
}
await Promise.all([write(), write(), write(), write()]);
