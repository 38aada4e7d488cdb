import { Agent, request } from "node:http";
import { expect, test } from "vitest";
import { readTrafficPoints } from "#contract/internal/router.ts";
import { defaultSiteCache } from "#contract/site-cache.ts";
import type { TrafficPoint } from "#contract/site-traffic.ts";
import { aRoute, putFile, type RouterHarness, startRouter, visit } from "../../../test/support/router-harness.ts";
import { startProgram } from "../../../test/support/site-program.ts";

const { isOn: _isOn, ...cache } = { ...defaultSiteCache, defaultSeconds: 60, generation: 1 };
const app = aRoute({ siteId: 8, name: "app" });
const kept = aRoute({ siteId: 9, name: "kept", cache });
const pages = aRoute({ siteId: 7, name: "pages", kind: "static" });

/** Everything that was counted of a site, whichever minute it was in. */
async function counted(router: RouterHarness, siteId: number): Promise<Omit<TrafficPoint, "start">> {
  const { points } = await router.admin.call(readTrafficPoints, { params: { siteId }, query: {} });
  const sum = { requests: 0, errors: 0, bytes: 0, hits: 0, stale: 0, misses: 0 };
  for (const { start: _start, ...point } of points) for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += point[key];
  return sum;
}

test("requests, errors and bytes of every kind of site are counted, on kept connections too, and what the page cache did", async () => {
  await using program = await startProgram((req, res) => {
    res.statusCode = req.url === "/broken" ? 500 : 200;
    res.end("x".repeat(1000));
  });
  await using router = await startRouter({ routes: [app, kept, pages] });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  await putFile(router, 7, "public/index.html", "y".repeat(5000));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (const [host, path] of [
    ["pages.localhost", "/"],
    ["app.localhost", "/"],
    ["pages.localhost", "/none"],
    ["app.localhost", "/broken"],
    ["app.localhost", "/"],
  ] as const) {
    await new Promise((resolve, reject) => {
      const { hostname, port } = new URL(router.door);
      const asked = request({ hostname, port, agent, path, headers: { host } }, (response) => response.resume().on("end", resolve));
      asked.on("error", reject).end();
    });
  }
  agent.destroy();
  await expect.poll(() => counted(router, 8), { timeout: 20_000 }).toMatchObject({ requests: 3, errors: 1, hits: 0, misses: 0 });
  const [ofApp, ofPages] = [await counted(router, 8), await counted(router, 7)];
  // Three bodies and their heads.
  expect(ofApp.bytes).toBeGreaterThan(3000);
  expect(ofApp.bytes).toBeLessThan(4500);
  expect(ofPages).toMatchObject({ requests: 2, errors: 0 });
  expect(ofPages.bytes).toBeGreaterThan(5000);
  expect(ofPages.bytes).toBeLessThan(8000);
  for (let count = 0; count < 3; count += 1) await visit(router.door, { host: "kept.localhost" });
  await expect.poll(() => counted(router, 9), { timeout: 20_000 }).toMatchObject({ requests: 3, hits: 2, misses: 1, stale: 0 });
  expect(await (await fetch(`${router.adminDoor}/metrics`)).text()).toMatch(/^backlot_router_site_requests_total 8\nbacklot_router_site_errors_total 1\n/m);
  router.manager.remove(8);
  await router.settled();
  expect((await counted(router, 8)).requests).toBe(0);
});

test("nobody counts for a site who asks for another, and nobody for none", async () => {
  await using router = await startRouter({ routes: [app] });
  expect((await visit(router.door, { host: "nobody.localhost" })).status).toBe(404);
  expect((await visit(router.door, { host: "app.localhost" })).status).toBeGreaterThanOrEqual(500);
  await expect.poll(() => counted(router, 8), { timeout: 20_000 }).toMatchObject({ requests: 1, errors: 1 });
});
