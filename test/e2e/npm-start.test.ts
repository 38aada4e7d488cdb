import { delimiter } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { deleteSite, readLogs, readStatus, restartSite, sleepSite, updateSite } from "#contract/api/sites.ts";
import { type Backlot, checkout, startBacklot } from "../support/backlot.ts";
import type { Person } from "../support/backlot-person.ts";

let backlot: Backlot;
let admin: Person;

beforeAll(async () => {
  // What a person has who cloned the repository: npm and the machine's Node, nothing of npm's own environment.
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  backlot = await startBacklot({
    command: ["npm", "start"],
    cwd: checkout,
    environment: { PATH: path.join(delimiter) },
    hasOwnGroup: true,
    readyWithinMs: 110_000,
  });
  admin = await backlot.admin();
});
afterAll(() => backlot[Symbol.asyncDispose]());

test("npm start prints where the dashboard and the sites are, and serves the dashboard", async () => {
  expect(backlot.output).toContain(`Dashboard  http://localhost:${new URL(backlot.manager).port}`);
  expect(backlot.output).toContain(`Sites      http://NAME.localhost:${new URL(backlot.router).port}`);
  const page = await backlot.ask("/");
  expect(page.status).toBe(200);
  expect(page.headers["content-type"]).toContain("text/html");
  const script = /src="(\/[^"]+\.js)"/.exec(page.text)?.[1];
  expect((await backlot.ask(script ?? "/no-script")).status).toBe(200);
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
