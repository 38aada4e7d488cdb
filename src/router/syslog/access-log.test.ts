import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { silentLog } from "#kit/log.ts";
import { aRoute } from "../../../test/support/router-harness.ts";
import { TroubleReport } from "../front/trouble-report.ts";
import { RouteTable } from "../routes/route-table.ts";
import { TrafficBook } from "../traffic/traffic-book.ts";
import { type AccessLine, accessLogFormat, parseAccessLine } from "./access-line.ts";
import { AccessLog } from "./access-log.ts";
import { noteAccess } from "./note-access.ts";

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const time = "2026-11-22T10:07:55.805123+01:00";
const words = { c: "192.0.2.1", m: "GET", d: 7, h: "app.localhost", p: "/a", a: firefox, u: "-" };
const counts = { s: 200, b: 100, q: "live/kept", e: "--", r: "live|10.77.0.3|80|1|10.77.0.3:80|8" };
type Told = typeof words & typeof counts;

/** A line as HAProxy writes it. */
const written = (over: Partial<Told> = {}): string => {
  const { s, b, q, e, r, ...rest } = { ...words, ...counts, ...over };
  return `${s} ${b} ${q} ${e} ${r} ${JSON.stringify(rest)}`;
};
const line = (over: Partial<Told> = {}): AccessLine => {
  const parsed = parseAccessLine({ program: "haproxy", time, text: written(over) });
  if (parsed === null) throw new Error("no line");
  return parsed;
};

async function scene(mostBytes: number) {
  const folder = await mkdtemp(path.join(tmpdir(), "backlot-access-"));
  const access = new AccessLog({ folder, mostBytes, log: silentLog() });
  const reports: string[] = [];
  const visits: number[] = [];
  const table = new RouteTable();
  table.change([aRoute({ siteId: 8, name: "app" }), aRoute({ siteId: 7, name: "pages", kind: "static" })], [], 1);
  const troubles = new TroubleReport(async (siteId, lines) => void reports.push(...lines.map((text) => `${siteId} ${text}`)));
  const traffic = new TrafficBook();
  const listeners = { table, access, traffic, troubles, visited: (siteId: number, isVisit: () => boolean) => void (isVisit() && visits.push(siteId)) };
  return { folder, access, table, traffic, reports, visits, note: (over?: Partial<Told>) => noteAccess(line(over), listeners) };
}

test("a request past the router keeps its site awake unless a crawler made it; one through it is counted there", async () => {
  const { note, visits, access, traffic, folder } = await scene(0);
  note();
  note({ a: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)" });
  note({ u: "prefetch" });
  note({ q: "activator/activator", r: "-" });
  note({ q: "static/nginx", h: "pages.localhost", r: "static|0007" });
  note({ h: "nobody.localhost", r: "-" });
  expect(visits).toEqual([8]);
  expect(traffic.points(8, "hour")).toMatchObject([{ requests: 4, errors: 0, bytes: 400 }]);
  expect(traffic.points(7, "hour")).toMatchObject([{ requests: 1 }]);
  await access.flush();
  expect(await readdir(folder)).toEqual([]);
  await rm(folder, { recursive: true });
});

test("a broken answer is told to the site, whether the program gave it or ended the connection", async () => {
  const { note, reports, folder } = await scene(0);
  note({ s: 500 });
  expect(reports).toEqual(["8 500 GET /a: the program's own answer"]);
  const other = await scene(0);
  other.note({ s: 502, e: "SH" });
  expect(other.reports[0]).toContain("it ended the connection before it had answered");
  await Promise.all([rm(folder, { recursive: true }), rm(other.folder, { recursive: true })]);
});

test("a deleted site's log goes, the older file and what was not yet written too, and nothing that comes late brings it back", async () => {
  const { access, note, folder, table, traffic } = await scene(200);
  for (let round = 0; round < 2; round += 1) {
    note();
    note({ r: "static|0007", q: "static/nginx", h: "pages.localhost" });
    await access.flush();
  }
  const all = ["7.log", "7.log.1", "8.log", "8.log.1"];
  expect((await readdir(folder)).toSorted()).toEqual(all);
  note();
  table.change([], [8], 2);
  await access.forget(8);
  note();
  await access.flush();
  expect((await readdir(folder)).toSorted()).toEqual(all.slice(0, 2));
  expect(traffic.points(8, "hour")).toMatchObject([{ requests: 3 }]);
  await rm(folder, { recursive: true });
});

test("a site's files stay within their bound, and what a visitor writes stays within its line", async () => {
  const { access, note, folder } = await scene(2000);
  for (let round = 0; round < 5; round += 1) {
    for (let count = 0; count < 5; count += 1) note({ p: '/\n\u001b[31m"x\\', a: "a\u2028b" });
    await access.flush();
  }
  const files = await readdir(folder);
  expect(files.toSorted()).toEqual(["8.log", "8.log.1"]);
  const texts = await Promise.all(files.map((file) => readFile(path.join(folder, file), "utf8")));
  expect(texts.join("").length).toBeLessThan(4000);
  for (const text of texts.join("").trim().split("\n"))
    expect(text).toMatch(/^192\.0\.2\.1 - - \[2026-11-22T09:07:55\.805Z\] "GET \/\\x0a\\x1b\[31m\\x22x\\x5c" 200 100 "-" "a\\x2028b" 7ms$/);
  await rm(folder, { recursive: true });
});

test("what a slow disk has not yet taken counts among the lines that are held", async () => {
  const { access, folder } = await scene(1e9);
  const slow = path.join(folder, "1.log");
  // Whoever opens it to write waits until somebody reads.
  await promisify(execFile)("mkfifo", [slow]);
  const one = line();
  const fill = (): void => {
    for (let siteId = 1; siteId <= 25; siteId += 1) for (let count = 0; count < 2000; count += 1) access.note(siteId, one);
  };
  fill();
  const written = access.flush();
  expect(access.skipped).toBe(0);
  fill();
  expect(access.skipped).toBe(50_000);
  expect((await readFile(slow, "utf8")).split("\n")).toHaveLength(2001);
  await written;
  await rm(slow);
  fill();
  expect(access.skipped).toBe(50_000);
  await access.flush();
  await rm(folder, { recursive: true });
});

test.each([
  "",
  "{}",
  JSON.stringify(words),
  `1.5 100 live/kept -- - ${JSON.stringify(words)}`,
  `200 1e9 live/kept -- - ${JSON.stringify(words)}`,
  `200 ${10 ** 15} live/kept -- - ${JSON.stringify(words)}`,
  `200 100 live/kept --- - ${JSON.stringify(words)}`,
  "200 100 live/kept -- live|8 ",
])("what is no line of HAProxy's is refused: %j", (text) => {
  expect(parseAccessLine({ program: "haproxy", time, text })).toBeNull();
});

test.each([{ d: 1e300 }, { d: 1.5 }, { p: undefined }, { a: 1 }])(
  "a line whose rest can be none of HAProxy's is counted for its site, and told nobody: %j",
  async (over) => {
    const { note, visits, reports, access, traffic, folder } = await scene(1e6);
    note({ ...(over as Partial<Told>), s: 502 });
    note({ ...(over as Partial<Told>), r: "-" });
    await access.flush();
    expect([traffic.points(8, "hour")[0]?.requests, visits, reports, await readdir(folder)]).toEqual([1, [], [], ["8.log"]]);
    expect(await readFile(path.join(folder, "8.log"), "utf8")).toBe("");
    await rm(folder, { recursive: true });
  },
);

test("what is counted of every request stands apart, and the rest is read once, when it is asked for", () => {
  expect(line({ s: -1, d: -1 })).toMatchObject({ status: -1, bytes: 100, server: "live/kept", ending: "--", siteId: 8, words: { d: -1, u: "" } });
  expect(line({ r: "static|0105" }).siteId).toBe(105);
  for (const r of ["-", "other|8", "live|10.77.0.3", "live|10.77.0.3|80|1|10.77.0.3:80|8x"]) expect(line({ r }).siteId).toBeNull();
  const one = line();
  expect(one.words).toBe(one.words);
  // HAProxy writes the fields in the order in which they are read.
  expect(accessLogFormat.replaceAll(String.raw`\"`, "'")).toMatch(/^"%ST %B %b\/%s %ts %\[var\(txn\.route\)\] \{'c':.*\}"$/);
});

test("a line whose time nobody told is written with the present one", async () => {
  const { access, folder } = await scene(1e6);
  const parsed = parseAccessLine({ program: "haproxy", time: "", text: written() });
  if (parsed !== null) access.note(8, parsed);
  await access.flush();
  const told = /\[(\S+Z)\]/.exec(await readFile(path.join(folder, "8.log"), "utf8"))?.[1] ?? "";
  expect(Math.abs(Date.parse(told) - Date.now())).toBeLessThan(60_000);
  await rm(folder, { recursive: true });
});
