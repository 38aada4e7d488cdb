import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { purgeCache, readCache } from "#contract/api/cache.ts";
import { deletePath } from "#contract/api/files.ts";
import { readStatus, restartSite, sleepSite, updateSite } from "#contract/api/sites.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import { Browser } from "../support/backlot-browser.ts";
import { done, runBacklot } from "../support/backlot-cli.ts";
import type { Person } from "../support/backlot-person.ts";
import { edgeMissing } from "../support/edge-router.ts";
import { runClient } from "../support/ftp-clients.ts";
import { titled, whyNoBrowser, whyNoProgram, whyNoRedis } from "../support/needs.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { SshClients } from "../support/ssh-clients.ts";

// Counts what it is asked, and says for how long its answers are good.
const program = `
const { createServer } = require("node:http");
const { existsSync, writeFileSync } = require("node:fs");
if (existsSync("dead")) process.exit(1);
const started = Date.now() + "-" + process.pid;
let count = 0;
createServer((req, res) => {
  count += 1;
  if (req.url === "/die") {
    writeFileSync("dead", "");
    process.exit(1);
  }
  const age = req.url === "/short" ? "max-age=0" : "max-age=600";
  res.writeHead(200, { "Cache-Control": age, "Cache-Tag": "all" });
  res.end(started + " " + count);
}).listen(Number(process.env.PORT), process.env.HOST);
`;
const googlebot = { "user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)" };

/** Where it can be, HAProxy stands before the router: what is kept is the router's all the same. */
const edge = edgeMissing() === null ? { BACKLOT_EDGE: "haproxy", BACKLOT_EDGE_VISITOR_REQUESTS: "100000000" } : {};
const noBrowser = whyNoBrowser();
/** Without one each router keeps pages in its own memory: all that is here is so there too, but for what is said of Redis. */
const noRedis = whyNoRedis();

let redis: TestRedis | undefined;
let backlot: Backlot;
let home: string;
let folder: string;
let ann: Person;

beforeAll(async () => {
  redis = noRedis === null ? await startRedis() : undefined;
  backlot = await startBacklot({ environment: { ...(redis && { REDIS_URL: redis.url }), ...edge } });
  home = await mkdtemp(join(tmpdir(), "backlot-cached-"));
  folder = join(home, "news");
  await mkdir(folder);
  await writeFile(join(folder, "run.sh"), "#!/bin/sh\nexec node server.cjs\n", { mode: 0o755 });
  await writeFile(join(folder, "server.cjs"), program);
  ann = await backlot.addPerson("ann");
  await done(cli(["deploy", folder, "--create", "--site", "news"]));
  await done(cli(["cache", "on", "news", "--stale", "3600", "--revalidate", "0"]));
});
afterAll(async () => {
  await backlot[Symbol.asyncDispose]();
  await redis?.[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

const cli = (args: readonly string[]) => runBacklot(args, { home, server: backlot.manager, token: ann.token });
const get = async (path = "/", headers: Record<string, string> = {}) => {
  const { status, text, headers: answered } = await backlot.visit("news", path, { headers });
  return { status, text, said: String(answered["cache-status"]), tag: answered["cache-tag"] };
};
/** Visits until the program has answered, and what it said is kept. */
async function keep(path = "/"): Promise<string> {
  const first = await get(path);
  expect(first).toMatchObject({ status: 200, tag: undefined });
  return first.text;
}
const state = async () => (await ann.client.call(readStatus, { params: { name: "news" } })).state;

test("a visitor reads in the answer whether it was kept: asked of the program, kept, or none of the cache's business", async () => {
  expect((await get("/seen")).said).toBe("backlot; fwd=uri-miss; fwd-status=200; stored");
  expect((await get("/seen")).said).toMatch(/^backlot; hit; ttl=(?:600|59\d)$/);
  expect((await get("/seen", { cookie: "a=1" })).said).toMatch(/^backlot; fwd=bypass;.* detail=cookie$/);
});

test("a kept page of a sleeping site neither waits nor wakes, for a robot neither", async () => {
  const short = await keep("/short");
  const long = await keep();
  const { operation } = await ann.client.call(sleepSite, { params: { name: "news" } });
  await ann.succeeded(operation);
  expect([(await get("/short")).text, (await get()).text, (await get("/short", googlebot)).text]).toEqual([short, long, short]);
  expect((await get("/short")).said).toContain("detail=asleep");
  expect(await state()).toBe("asleep");
  expect((await get("/unknown", googlebot)).status).toBe(503);
  expect(await state()).toBe("asleep");
});

test("a program that dies and does not come back is answered for by its last page", async () => {
  const short = await keep("/short");
  await get("/die");
  expect(await get("/short")).toMatchObject({ status: 200, text: short });
  expect((await get("/new")).status).toBe(503);
  await ann.client.fetch(deletePath, { params: { name: "news", "*": "dead" } });
  await expect.poll(async () => (await get("/new")).status, { timeout: 60_000, interval: 200 }).toBe(200);
});

test("a deployment, a restart, a changed file and an order make what is kept out of date", async () => {
  let before = await keep();
  const isNew = async (): Promise<void> => {
    const now = (await get()).text;
    expect(now).not.toBe(before);
    expect((await get()).text).toBe(now);
    before = now;
  };
  expect((await get()).text).toBe(before);
  await done(cli(["deploy", folder, "--site", "news"]));
  await isNew();
  const { operation } = await ann.client.call(restartSite, { params: { name: "news" } });
  await ann.succeeded(operation);
  await isNew();
  expect(await ann.client.call(purgeCache, { params: { name: "news" }, body: { tag: "other" } })).toEqual({ removed: 0, away: 0 });
  expect((await get()).text).toBe(before);
  expect(await ann.client.call(purgeCache, { params: { name: "news" }, body: { tag: "all" } })).toMatchObject({ removed: expect.any(Number) });
  await isNew();
  expect((await done(cli(["cache", "purge", "news"]))).out).toBe("Everything kept of news is gone.\n");
  await isNew();
  await ann.put("news", "public/note.txt", "changed");
  await expect.poll(async () => (await get()).text, { timeout: 30_000 }).not.toBe(before);
});

const noTransfers = whyNoProgram("sftp") ?? whyNoProgram("curl");
test.skipIf(noTransfers !== null)(titled("a file that comes by SFTP or FTP makes what is kept out of date", noTransfers), async () => {
  await writeFile(join(home, "note.txt"), "changed");
  const clients = new SshClients(home, backlot);
  const key = (await clients.addKey(ann)).file;
  const bySftp = () => clients.sftp("ann", key, ["put note.txt news/public/by-sftp.txt"]);
  const byFtp = () =>
    runClient(["curl", "-sS", "-m", "60", "-u", "ann:password of ann", "-T", "note.txt", `ftp://${backlot.ftp}/news/public/by-ftp.txt`], { cwd: home });
  for (const put of [bySftp, byFtp]) {
    const before = await keep();
    expect((await get()).text).toBe(before);
    expect(await put()).toMatchObject({ code: 0 });
    await expect.poll(async () => (await get()).text, { timeout: 30_000 }).not.toBe(before);
  }
});

test("an order for one address, for all below one and for a tag purges those, and leaves the rest", async () => {
  const pages = ["/a/1", "/a/2", "/b"];
  const texts = () => Promise.all(pages.map(async (path) => (await get(path)).text));
  const purged = async (body: { readonly path?: string; readonly prefix?: string; readonly tag?: string }): Promise<boolean[]> => {
    const before = await texts();
    expect(await texts()).toEqual(before);
    await ann.client.call(purgeCache, { params: { name: "news" }, body });
    return (await texts()).map((text, index) => text !== before[index]);
  };
  expect(await purged({ path: "/a/1" })).toEqual([true, false, false]);
  expect(await purged({ prefix: "/a/" })).toEqual([true, true, false]);
  expect(await purged({ tag: "all" })).toEqual([true, true, true]);
});

test.skipIf(noBrowser !== null)(titled("the site's page draws who answered, and its button empties the cache", noBrowser), { timeout: 180_000 }, async () => {
  await keep("/short");
  const { operation } = await ann.client.call(sleepSite, { params: { name: "news" } });
  await ann.succeeded(operation);
  const stale = await Promise.all(Array.from({ length: 20 }, () => get("/short")));
  expect(stale.filter(({ said }) => said.includes("detail=asleep")).length).toBe(20);
  const kept = await keep("/button");
  const hits = await Promise.all(Array.from({ length: 20 }, () => get("/button")));
  expect(new Set(hits.map(({ text }) => text))).toEqual(new Set([kept]));
  for (let round = 0; round < 20; round += 1) await keep(`/missed/${round}`);
  await using browser = await Browser.open();
  await browser.go(`${backlot.manager}/sign-in`);
  await browser.fill("User name", "ann");
  await browser.fill("Password", "password of ann");
  await browser.click("Sign in");
  await browser.sees("news");
  await browser.go(`${backlot.manager}/sites/news`);
  await browser.sees("An older page of it");
  const drawn = (colour: `--${string}`) => browser.painted("Answers of the page cache each minute", colour);
  for (const colour of ["--accent", "--lamp", "--sky"] as const) await expect.poll(() => drawn(colour), { timeout: 30_000 }).toBeGreaterThan(5);
  await browser.click("Empty the page cache");
  await browser.sees("The page cache is empty");
  expect((await get("/button")).text).not.toBe(kept);
});

test.skipIf(noRedis !== null)(titled("what is kept is counted; without Redis it goes on, and a partial order is carried out in full", noRedis), async () => {
  const { cache } = await ann.client.call(readCache, { params: { name: "news" } });
  expect(cache).toMatchObject({ routers: 1, away: 0, redis: "connected" });
  expect(cache.hits).toBeGreaterThan(0);
  await redis?.kill();
  const before = (await get("/after")).text;
  expect((await get("/after")).text).toBe(before);
  expect(await ann.client.call(purgeCache, { params: { name: "news" }, body: { path: "/other" } })).toEqual({ removed: null, away: 0 });
  expect((await get("/after")).text).not.toBe(before);
  const { operation } = await ann.client.call(updateSite, { params: { name: "news" }, body: { cache: { isOn: false } } });
  if (operation !== null) await ann.succeeded(operation);
  expect((await get("/after")).said).toBe("undefined");
});
