// Versions, what was done to files, search and live changes, through the whole program and two of its doors.
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as api from "#contract/api/files.ts";
import { removeMember, setMember } from "#contract/api/members.ts";
import { listSiteAudit } from "#contract/api/sites.ts";
import type { SiteView } from "#contract/api/views.ts";
import { readEvents } from "#contract/events.ts";
import { siteFolder } from "#contract/site.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import type { Person } from "../support/backlot-person.ts";
import { RawFtp } from "../support/ftp-clients.ts";

let backlot: Backlot;
let ann: Person;
let site: SiteView;
const name = "versions";
const at = (path: string) => ({ name, "*": path });

beforeAll(async () => {
  backlot = await startBacklot({ environment: { BACKLOT_FTP_FAILURE_DELAY_MS: "50" } });
  ann = await backlot.addPerson("ann");
  site = await ann.createSite(name, "static");
});
afterAll(() => backlot?.[Symbol.asyncDispose]());

const versionsOf = async (path: string) => (await ann.client.call(api.listHistory, { params: at(path) })).versions;

it("a file saved in the dashboard and over FTP has both versions, with who and where, and either comes back", async () => {
  await ann.put(name, "public/a.txt", "one");
  await ann.put(name, "public/a.txt", "two");
  await using ftp = new RawFtp(backlot.ftp);
  await ftp.reply();
  await ftp.ask(`USER ann/${name}`);
  expect(await ftp.ask("PASS password of ann")).toMatch(/^230/);
  const passive = await ftp.ask("EPSV");
  const port = Number(/\|\|\|(\d+)\|/.exec(passive)?.[1]);
  const data = connect(port, "127.0.0.1");
  await once(data, "connect");
  ftp.socket.write("STOR public/a.txt\r\n");
  expect(await ftp.reply()).toMatch(/^1/);
  data.end("three");
  expect(await ftp.reply()).toMatch(/^226/);
  expect(await ftp.ask("DELE public/a.txt")).toMatch(/^250/);
  const [three, two, one] = await versionsOf("public/a.txt");
  expect([three, two, one].map((version) => [version?.size, version?.savedBy, version?.ended, version?.endedBy])).toEqual([
    [5, { username: "ann", door: "ftp" }, "delete", { username: "ann", door: "ftp" }],
    [3, { username: "ann", door: "api" }, "overwrite", { username: "ann", door: "ftp" }],
    [3, { username: "ann", door: "api" }, "overwrite", { username: "ann", door: "api" }],
  ]);
  const { versions } = await ann.client.call(api.listDeleted, { params: { name } });
  expect(versions.map(({ path, id }) => [path, id])).toEqual([["public/a.txt", three?.id]]);
  const read = await ann.client.fetch(api.readVersion, { params: { name, version: two?.id ?? "" } });
  expect([await read.text(), read.headers.get("etag"), read.headers.get("content-type")]).toEqual(["two", `"${two?.sha256}"`, "text/plain; charset=utf-8"]);
  const absent = { "if-none-match": "*" };
  const restored = await ann.client.fetch(api.restoreVersion, { params: at("public/a.txt"), body: { restore: one?.id ?? "" }, headers: absent });
  expect([restored.status, restored.headers.get("etag"), (await ann.get(name, "public/a.txt")).toString()]).toEqual([201, `"${one?.sha256}"`, "one"]);
  await expect(ann.client.call(api.restoreVersion, { params: at("public/a.txt"), body: { restore: two?.id ?? "" }, headers: absent })).rejects.toMatchObject({
    code: "file_changed",
  });
});

it("every destructive call stands in the audit trail with door and address, many of a kind as one", async () => {
  for (let number = 0; number < 40; number += 1) await ann.put(name, `many/f${number}`, "x");
  for (let number = 0; number < 40; number += 1) await ann.client.call(api.deletePath, { params: at(`many/f${number}`) });
  const wanted = [
    "files.delete api 127.0.0.1",
    "files.delete ftp 127.0.0.1",
    "files.overwrite api 127.0.0.1",
    "files.overwrite ftp 127.0.0.1",
    "files.restore api 127.0.0.1",
  ];
  const deadline = Date.now() + 30_000;
  for (;;) {
    const { entries } = await ann.client.call(listSiteAudit, { params: { name } });
    const found = entries.filter(({ action }) => action.startsWith("files."));
    const seen = new Set(found.map(({ action, door, address }) => `${action} ${door} ${address}`));
    const deletions = found.filter(({ action, door }) => action === "files.delete" && door === "api");
    const count = deletions.reduce((sum, { details }) => sum + Number(details.count ?? 1), 0);
    if (wanted.every((each) => seen.has(each)) && count === 40) {
      expect(found.every(({ actor }) => actor === "ann")).toBe(true);
      expect(deletions.length).toBeLessThan(10);
      return;
    }
    if (Date.now() > deadline) throw new Error(`seen: ${[...seen].join(", ")}; ${count} deletions`);
    await delay(250);
  }
}, 60_000);

it("a search finds text in the site, and a pattern without end costs nobody else anything", async () => {
  await ann.put(name, "public/find.txt", `first\nthe needle is here\n${"a".repeat(60)}!`);
  const search = (query: Record<string, string>) => ann.client.call(api.searchFiles, { params: { name }, query: query as never });
  expect((await search({ query: "NEEDLE" })).files).toEqual([
    { path: "public/find.txt", matches: [{ line: 2, column: 4, length: 6, text: "the needle is here", textStart: 0 }] },
  ]);
  await expect(search({ query: "(", regex: "true" })).rejects.toMatchObject({ code: "pattern_invalid" });
  const endless = search({ query: "(a+)+$", regex: "true" });
  const began = Date.now();
  await ann.get(name, "public/find.txt");
  expect(Date.now() - began).toBeLessThan(2_000);
  expect((await endless).truncated).toBe("time");
}, 30_000);

it("a copy of a folder is whole, and files are sent with headers under which nothing runs", async () => {
  await ann.put(name, "tree/sub/page.html", "<script>alert(1)</script>");
  await ann.put(name, "tree/pic.svg", "<svg/>");
  await ann.client.call(api.changePath, { params: at("tree"), body: { copy: "twin" } });
  expect((await ann.get(name, "twin/sub/page.html")).toString()).toBe("<script>alert(1)</script>");
  await expect(ann.client.call(api.changePath, { params: at("tree"), body: { copy: "twin" } })).rejects.toMatchObject({ code: "file_exists" });
  const headersOf = async (path: string, download = false) => {
    const response = await ann.client.fetch(api.readFile, { params: at(path), query: { download } });
    await response.body?.cancel();
    return ["content-type", "content-disposition", "x-content-type-options", "content-security-policy"].map((header) => response.headers.get(header));
  };
  const csp = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'";
  expect(await headersOf("twin/sub/page.html")).toEqual(["text/plain; charset=utf-8", "inline; filename*=UTF-8''page.html", "nosniff", csp]);
  expect(await headersOf("twin/pic.svg", true)).toEqual(["image/svg+xml", "attachment; filename*=UTF-8''pic.svg", "nosniff", csp]);
});

it("changes by programs are told to whoever has the folder open, until their access ends", async () => {
  const bob = await backlot.addPerson("bob");
  await ann.client.call(setMember, { params: { name, username: "bob" }, body: { role: "viewer" } });
  const response = await bob.client.fetch(api.followChanges, { params: { name }, query: { folder: ["public", "private"] as never } });
  if (response.body === null) throw new Error("no body");
  const events = readEvents(response.body);
  expect(JSON.parse((await events.next()).value?.data ?? "")).toEqual({ type: "open" });
  const folder = join(backlot.data, "sites", siteFolder(site.id));
  writeFileSync(join(folder, "private/by-a-program"), "x");
  expect(JSON.parse((await events.next()).value?.data ?? "")).toEqual({ type: "changed", folder: "private", names: ["by-a-program"] });
  await ann.client.call(removeMember, { params: { name, username: "bob" } });
  const began = Date.now();
  expect((await events.next()).done).toBe(true);
  expect(Date.now() - began).toBeLessThan(2_000);
  await expect(bob.client.fetch(api.followChanges, { params: { name }, query: {} })).rejects.toMatchObject({ code: "site_not_found" });
});

it("versions outlive a kill in the middle of saving, and what was acknowledged is there", async () => {
  let acknowledged = 0;
  const saving = (async () => {
    for (let number = 1; number <= 500; number += 1) {
      await ann.put(name, "private/kept.txt", `content ${number}`);
      acknowledged = number;
    }
  })().catch(() => undefined);
  while (acknowledged < 20) await delay(5);
  const orchestrator = backlot.processes().find(({ command }) => command.includes("orchestrator"))?.pid ?? 0;
  process.kill(orchestrator, "SIGKILL");
  await saving;
  const last = acknowledged;
  await expect.poll(() => versionsOf("private/kept.txt").catch(() => []), { timeout: 30_000 }).not.toEqual([]);
  const [newest] = await versionsOf("private/kept.txt");
  const text = await (await ann.client.fetch(api.readVersion, { params: { name, version: newest?.id ?? "" } })).text();
  const now = Number((await ann.get(name, "private/kept.txt")).toString().split(" ")[1]);
  expect([now >= last, Number(text.split(" ")[1]) >= now - 1]).toEqual([true, true]);
  expect(readFileSync(join(backlot.data, "orchestrator/history", String(site.id), "lines.ndjson"), "utf8")).toContain("private/kept.txt");
}, 60_000);
