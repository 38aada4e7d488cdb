import { createHash } from "node:crypto";
import { cp, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { adminPassword, type Backlot, checkout, startBacklot } from "../support/backlot.ts";
import { type CliRun, done, runBacklot } from "../support/backlot-cli.ts";

/** A real package as npm ships it: more than 600 files in 30 folders. */
const realSite = join(checkout, "node_modules/kysely");

let backlot: Backlot;
let home: string;
let folder: string;

beforeAll(async () => {
  backlot = await startBacklot({ byNpm: true });
  home = await mkdtemp(join(tmpdir(), "backlot-home-"));
  folder = join(home, "kysely");
  await cp(realSite, folder, { recursive: true });
});
afterAll(async () => {
  await backlot[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

test("a site of several hundred real files is deployed by the command line and comes back byte for byte", async () => {
  const files = await filesOf(folder);
  expect(files.length).toBeGreaterThan(300);
  await done(cli(["login", "--user", "admin", "--password-stdin"], `${adminPassword}\n`));
  await done(cli(["create", "kysely"]));
  const deployed = JSON.parse((await done(cli(["deploy", folder, "--json"]))).out);
  expect(deployed).toMatchObject({ site: { name: "kysely" }, files: files.length, operation: { kind: "deploy", state: "succeeded" } });
  expect(await differing(files)).toEqual([]);
});

test("the next deployment removes what the last one placed and this one lacks, and leaves uploads alone", async () => {
  const files = await filesOf(folder);
  await done(cli(["files", "put", "kysely", "-", "public/uploads/kept.txt"], "kept"));
  await rm(join(folder, "dist/migration"), { recursive: true });
  await rm(join(folder, "README.md"));
  await done(cli(["deploy", folder]));
  const left = await filesOf(folder);
  expect(left.length).toBeLessThan(files.length);
  expect(await differing(left)).toEqual([]);
  expect((await backlot.visit("kysely", "/README.md")).status).toBe(404);
  expect((await backlot.visit("kysely", "/dist/migration/index.js")).status).toBe(404);
  expect((await backlot.visit("kysely", "/uploads/kept.txt")).text).toBe("kept");
});

test("the command line shows, lists, fetches, and deletes what it made", async () => {
  const { url } = JSON.parse((await done(cli(["open", "kysely", "--json"]))).out);
  expect(url).toBe(`http://kysely.localhost:${new URL(backlot.router).port}/`);
  expect((await done(cli(["sites"]))).out).toContain("kysely");
  expect((await done(cli(["status", "kysely"]))).out).toMatch(/state +running/);
  expect((await done(cli(["files", "ls", "kysely", "public"]))).out).toContain("package.json");
  expect((await done(cli(["files", "get", "kysely", "public/package.json"]))).out).toBe(await readFile(join(folder, "package.json"), "utf8"));
  expect(await cli(["rm", "kysely"])).toMatchObject({ exitCode: 2 });
  await done(cli(["rm", "kysely", "--yes"]));
  expect(await cli(["status", "kysely"])).toMatchObject({ exitCode: 4 });
  expect((await backlot.visit("kysely")).status).toBe(404);
  await done(cli(["logout"]));
  expect(await cli(["sites"])).toMatchObject({ exitCode: 3 });
});

function cli(argv: readonly string[], input = ""): Promise<CliRun> {
  return runBacklot(argv, { home, server: backlot.manager, input });
}

async function filesOf(root: string): Promise<readonly string[]> {
  const names = await readdir(root, { recursive: true });
  const files = await Promise.all(names.map(async (name) => ((await stat(join(root, name))).isFile() ? [name] : [])));
  return files.flat();
}

/** Files that do not come back through the router as they lie in the folder. */
async function differing(files: readonly string[]): Promise<readonly string[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const bad = await Promise.all(
    files.map(async (file) => {
      const [got, wanted] = await Promise.all([fetched(agent, file), readFile(join(folder, file))]);
      return got === sha256(wanted) ? [] : [`${file}: ${got}`];
    }),
  );
  agent.destroy();
  return bad.flat();
}

function fetched(agent: Agent, file: string): Promise<string> {
  const { hostname, port } = new URL(backlot.router);
  const path = `/${file.split("/").map(encodeURIComponent).join("/")}`;
  return new Promise((resolve, reject) => {
    const sent = request({ agent, hostname, port, path, headers: { host: "kysely.localhost" } }, (response) => {
      buffer(response).then((bytes) => resolve(response.statusCode === 200 ? sha256(bytes) : `status ${response.statusCode}`), reject);
    });
    sent.once("error", reject);
    sent.end();
  });
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
