import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { deleteSite, readLogs, readStatus, restartSite, sleepSite, updateSite } from "#contract/api/sites.ts";
import { type Backlot, checkout, startBacklot } from "../support/backlot.ts";
import type { Person } from "../support/backlot-person.ts";
import { visit } from "../support/backlot-visit.ts";

let backlot: Backlot;
let admin: Person;
let logs: string;

beforeAll(async () => {
  // What a person has who cloned the repository: npm and the machine's Node, nothing of npm's own environment.
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  logs = await mkdtemp(join(tmpdir(), "backlot-logs-"));
  // The processes that have no door of their own for it say how they are where they are told to.
  const health = { BACKLOT_WORKER_PORT: "0", BACKLOT_FTP_HEALTH_PORT: "0", BACKLOT_SSH_HEALTH_PORT: "0" };
  // From another folder: the data folder is the working one.
  backlot = await startBacklot({
    command: ["npm", "--prefix", checkout, "start"],
    environment: { PATH: path.join(delimiter), BACKLOT_LOG_FOLDER: logs, ...health },
    hasOwnGroup: true,
    readyWithinMs: 110_000,
  });
  admin = await backlot.admin();
});
afterAll(async () => {
  await backlot[Symbol.asyncDispose]();
  await rm(logs, { recursive: true, force: true });
});

test("npm start prints where the dashboard and the sites are, and serves the dashboard", async () => {
  expect(backlot.output).toContain(`Dashboard  http://localhost:${new URL(backlot.manager).port}`);
  expect(backlot.output).toContain(`Sites      http://NAME.localhost:${new URL(backlot.router).port}`);
  const page = await backlot.ask("/");
  expect(page.status).toBe(200);
  expect(page.headers["content-type"]).toContain("text/html");
  const script = /src="(\/[^"]+\.js)"/.exec(page.text)?.[1];
  expect((await backlot.ask(script ?? "/no-script")).status).toBe(200);
});

const processes = ["ftp", "manager", "orchestrator", "router", "shell", "supervisor", "worker"];

/** The lines of a process' own file. */
async function logOf(name: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const lines = (await readFile(join(logs, `${name}.log`), "utf8")).trim().split("\n");
  return lines.map((line): Readonly<Record<string, unknown>> => JSON.parse(line));
}

test("each process has a log file of its own, with nobody else's lines", async () => {
  expect((await readdir(logs)).toSorted()).toEqual(processes.map((name) => `${name}.log`));
  for (const name of processes) {
    const lines = await logOf(name);
    expect([name, new Set(lines.map((line) => line.process))]).toEqual([name, new Set([name])]);
    expect(backlot.output).toContain(JSON.stringify(lines[0]));
  }
});

test.each(processes.filter((name) => name !== "supervisor"))("the %s says that it lives and is ready, and counts what it does", async (name) => {
  const url = /^Server listening at (http:\S+)$/.exec(String((await logOf(name)).find(({ msg }) => String(msg).startsWith("Server listening"))?.msg))?.[1];
  const ask = async (path: string) => {
    const { status, headers, text } = await visit(url ?? "", { host: new URL(url ?? "").host, path });
    return [status, headers["content-type"]?.split(";")[0], /^[a-z_]+(\{.*\})? [\d.e+-]+$/m.test(text) ? "numbers" : text];
  };
  expect(await ask("/healthz")).toEqual([200, "text/plain", "ok\n"]);
  // The router is told of its routes a moment after the manager has begun.
  await expect.poll(() => ask("/readyz"), { timeout: 20_000 }).toEqual([200, "text/plain", "ok\n"]);
  expect(await ask("/metrics")).toEqual([200, "text/plain", "numbers"]);
});

test("a static site is created, filled, opened, renamed and deleted", async () => {
  await admin.createSite("leaflet", "static", "static");
  expect((await backlot.visit("leaflet")).status).toBe(200);
  await admin.put("leaflet", "public/index.html", "<h1>changed</h1>");
  expect(await backlot.visit("leaflet")).toMatchObject({ status: 200, text: "<h1>changed</h1>" });
  const { operation } = await admin.client.call(updateSite, { params: { name: "leaflet" }, body: { name: "brochure" } });
  if (operation !== null) await admin.succeeded(operation);
  expect((await backlot.visit("brochure")).text).toBe("<h1>changed</h1>");
  expect((await backlot.visit("leaflet")).status).toBe(404);
  await admin.succeeded((await admin.client.call(deleteSite, { params: { name: "brochure" } })).operation);
  expect((await backlot.visit("brochure")).status).toBe(404);
  await expect(admin.client.call(readStatus, { params: { name: "brochure" } })).rejects.toMatchObject({ code: "site_not_found" });
});

test("a dynamic site runs, logs, restarts, sleeps and wakes", async () => {
  await admin.createSite("machine", "dynamic", "node");
  expect((await backlot.visit("machine")).text).toContain("Your Node server is running.");
  const logs = await admin.client.fetch(readLogs, { params: { name: "machine" }, query: { tail: 50 } });
  expect(await logs.text()).toContain("Listening on");
  await admin.succeeded((await admin.client.call(restartSite, { params: { name: "machine" } })).operation);
  expect((await backlot.visit("machine")).text).toContain("one visitor");
  await admin.succeeded((await admin.client.call(sleepSite, { params: { name: "machine" } })).operation);
  expect((await admin.client.call(readStatus, { params: { name: "machine" } })).state).toBe("asleep");
  expect((await backlot.visit("machine", "/time")).status).toBe(200);
});

test("Ctrl-C ends everything", async () => {
  await backlot.pressControlC();
  await backlot.noneLeft();
});
