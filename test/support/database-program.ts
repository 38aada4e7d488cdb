import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkout } from "./backlot.ts";

/** Copies npm packages with everything that they need into a site's folder, flat as npm lays them out. */
export async function copyPackages(folder: string, names: readonly string[]): Promise<void> {
  const found = new Set(names);
  for (const name of found) {
    const manifest: { readonly dependencies?: Readonly<Record<string, string>> } = JSON.parse(
      await readFile(join(checkout, "node_modules", name, "package.json"), "utf8"),
    );
    for (const needed of Object.keys(manifest.dependencies ?? {})) found.add(needed);
  }
  for (const name of found) await cp(join(checkout, "node_modules", name), join(folder, "node_modules", name), { recursive: true });
}

/** A program with npm's `pg` that keeps rows, and that tries on request what a hostile one would. */
export const databaseProgram: Readonly<Record<string, string>> = {
  "run.sh": '#!/bin/sh\ncd /site 2>/dev/null || cd "$(dirname "$0")"\nexec node server.js\n',
  "package.json": '{"name":"rows"}',
  "server.js": `
const { readdirSync, writeFileSync } = require("node:fs");
const { createServer } = require("node:http");
const { connect } = require("node:net");
const pg = require("pg");
const address = process.env.DATABASE_URL;
const pool = new pg.Pool({ connectionString: address, max: 5, connectionTimeoutMillis: 5000 });
pool.on("error", (error) => console.error("lost:", error.message));
const attempt = async (given) => {
  const client = new pg.Client({ connectionTimeoutMillis: 5000, host: "/run/postgresql", ...given });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return "LET IN as " + (await client.query("select current_user as me")).rows[0].me;
  } catch (error) {
    return error.code ?? error.message;
  } finally {
    await client.end().catch(() => undefined);
  }
};
const reach = (path) => new Promise((resolve) => {
  const socket = connect({ path });
  socket.once("connect", () => resolve("CONNECTED")).once("error", (error) => resolve(error.code));
});
const list = (folder) => { try { return readdirSync(folder); } catch (error) { return error.code; } };
const plant = (path) => { try { writeFileSync(path, "x"); return "WRITTEN"; } catch (error) { return error.code; } };
const routes = {
  "/": async () => "hello",
  "/variables": async () => Object.fromEntries(Object.entries(process.env).filter(([name]) => name.includes("DATABASE"))),
  "/folder": async () => ({ entries: list("/run/postgresql"), planted: plant("/run/postgresql/x") }),
  "/setup": async () => void (await pool.query("create table if not exists kept (id serial primary key, words text)")),
  "/add": async (query) => (await pool.query("insert into kept (words) values ($1) returning id", [query.get("words")])).rows[0],
  "/rows": async () => (await pool.query("select words from kept order by id")).rows.map((row) => row.words),
  // Random letters: what compresses well would not fill it.
  "/fill": async () => void (await pool.query(
    "create table if not exists filling (words text); insert into filling select string_agg(md5(random()::text), '') from generate_series(1, 60000) as n group by n % 200")),
  "/shrink": async () => void (await pool.query("begin read write; drop table filling; commit")),
  "/attempt": async (query) => attempt(JSON.parse(query.get("as"))),
  "/reach": async (query) => reach(query.get("path")),
};
createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://x");
  try {
    const result = await (routes[pathname] ?? (async () => "?"))(searchParams);
    response.end(JSON.stringify(result ?? null));
  } catch (error) {
    response.writeHead(500).end(error.message);
  }
}).listen(Number(process.env.PORT), process.env.HOST);
`,
};
