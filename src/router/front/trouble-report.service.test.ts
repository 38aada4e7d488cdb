import { expect, test } from "vitest";
import { aRoute, startRouter, visit } from "../../../test/support/router-harness.ts";
import { startProgram } from "../../../test/support/site-program.ts";

test("a site's log hears of its program's 5xx answers, of visits without one, and of nothing that went well", async () => {
  await using program = await startProgram((req, res) => {
    if (req.url === "/cut") return res.destroy();
    res.statusCode = req.url?.startsWith("/broken") === true ? 500 : req.url === "/missing" ? 404 : 200;
    return res.end("said");
  });
  await using router = await startRouter({ routes: [aRoute({ siteId: 8, name: "app" }), aRoute({ siteId: 9, name: "other" })] });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  for (const path of ["/", "/missing", "/broken?token=secret", "/cut"]) await visit(router.door, { host: "app.localhost", path });
  await visit(router.door, { host: "other.localhost", path: "/broken" });
  await visit(router.door, { host: "nobody.localhost", path: "/broken" });
  await expect.poll(() => router.orchestrator.reports.length).toBeGreaterThanOrEqual(2);
  // What comes after the first is told together, at the latest when the router ends.
  await router.restart();
  await expect.poll(() => router.orchestrator.reports.length).toBe(3);
  const lines = router.orchestrator.reports.map(([siteId, line]) => `${siteId} ${line}`).toSorted();
  expect(lines).toEqual([
    "8 500 GET /broken: the program's own answer",
    expect.stringMatching(/^8 502 GET \/cut: The site's program gave no usable answer/),
    "9 500 GET /broken: the program's own answer",
  ]);
});
