import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { edgeMissing, type HostedProgram, type SiteHost, startEdgeRouter, startHostedProgram, takeSiteHost } from "../../../test/support/edge-router.ts";
import { aRoute, putFile, type RouterHarness, visit } from "../../../test/support/router-harness.ts";

const missing = edgeMissing();

describe.skipIf(missing !== null)(`HAProxy and nginx before the router${missing === null ? "" : ` (${missing})`}`, () => {
  let host: SiteHost;
  let program: HostedProgram;
  let router: RouterHarness;

  beforeAll(async () => {
    host = takeSiteHost();
    program = await startHostedProgram(host.address, (req, res) => {
      let bytes = 0;
      req.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
      });
      req.on("end", () => res.end(JSON.stringify({ method: req.method, url: req.url, headers: req.rawHeaders, bytes })));
    });
    router = await startEdgeRouter([aRoute({ siteId: 105, name: "pages", kind: "static" }), aRoute({ siteId: 8, name: "app", requestBodyBytes: 1000 })]);
    router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
    await putFile(router, 105, "public/index.html", "<h1>hello</h1>");
  }, 60_000);
  afterAll(async () => {
    await router?.[Symbol.asyncDispose]();
    await program?.[Symbol.asyncDispose]();
    host?.[Symbol.dispose]();
  });

  test("a static site comes from nginx, a dynamic one from its program, woken by the activator and reached past it from then on", async () => {
    const page = await visit(router.door, { host: "pages.localhost:8080" });
    console.log(page.headers, page.text);
    expect(page.text).toBe("<h1>hello</h1>");
    const first = await visit(router.door, { host: "app.localhost", path: "/a?b=c" });
    console.log(first.text);
    await expect.poll(async () => JSON.parse((await visit(router.door, { host: "app.localhost" })).text).headers.join()).toMatch(/backlot/i);
    console.log((await visit(router.door, { host: "app.localhost" })).text);
    console.log((await visit(router.door, { host: "nobody.localhost" })).status);
    console.log((await visit(router.door, { host: "pages.localhost", path: "/none" })).status);
    console.log((await visit(router.door, { host: "app.localhost", method: "POST", body: "x".repeat(2000) })).status);
  });
});
