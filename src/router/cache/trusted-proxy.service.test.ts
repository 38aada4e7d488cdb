import { expect, test } from "vitest";
import { cachedApp } from "../../../test/support/cached-stage.ts";
import { startRouter, visit } from "../../../test/support/router-harness.ts";
import { startProgram } from "../../../test/support/site-program.ts";

const trusting = { BACKLOT_ROUTER_TRUSTED_PROXIES: "127.0.0.0/8", BACKLOT_SITES_DOMAIN: "sites.example" };

test("behind a trusted proxy no visitor's own X-Forwarded-For puts a page of http, or an address, into what https visitors get", async () => {
  await using program = await startProgram((req, res) => {
    const { "x-forwarded-proto": scheme, "x-real-ip": address, "x-forwarded-for": chain } = req.headers;
    res.setHeader("Cache-Control", "max-age=60").end(`${scheme} ${address} ${chain}`);
  });
  await using router = await startRouter({ routes: [cachedApp()], environment: trusting });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  const ask = (path: string, scheme: string, chain: string) =>
    visit(router.door, { host: "app.localhost", path, headers: { "X-Forwarded-For": chain, "X-Forwarded-Proto": scheme } });
  // As the proxy passes it on: the visitor's own words, then the address that it came from.
  const poison = "X-Forwarded-Proto: https, X-Real-IP: evil.example, 192.0.2.66";
  expect((await ask("/", "http", poison)).text).toBe("http 192.0.2.66 192.0.2.66");
  const honest = await ask("/", "https", "192.0.2.1");
  expect([honest.text, honest.headers["cache-status"]]).toEqual(["https 192.0.2.1 192.0.2.1", "backlot; fwd=uri-miss; fwd-status=200; stored"]);
  expect((await ask("/", "http", "192.0.2.2")).text).toBe("http 192.0.2.66 192.0.2.66");
});

test("a visitor who writes https into X-Forwarded-For is not sent there from a path that names a site", async () => {
  await using router = await startRouter({ routes: [cachedApp()], environment: trusting });
  const headers = { "X-Forwarded-For": "X-Forwarded-Proto: https, 192.0.2.66", "X-Forwarded-Proto": "http" };
  const moved = await visit(router.door, { host: "sites.example", path: "/app/page", headers });
  expect([moved.status, moved.headers.location]).toEqual([307, expect.stringMatching(/^http:\/\/app\.localhost/)]);
});
