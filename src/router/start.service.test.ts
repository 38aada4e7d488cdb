import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { aRoute, putFile, startRouter, visit } from "../../test/support/router-harness.ts";

test("a static site is served from its public folder", async () => {
  await using router = await startRouter({ routes: [aRoute({ siteId: 7, name: "pages", kind: "static" })] });
  await putFile(router, 7, "public/index.html", "<h1>hello</h1>");
  const reply = await visit(router.door, { host: "pages.localhost:8080" });
  expect(reply.status).toBe(200);
  expect(reply.text).toBe("<h1>hello</h1>");
});

test("a dynamic site is woken and answers", async () => {
  const app = createServer((req, res) => res.end(`${req.method} ${req.url} ${req.headers["x-forwarded-for"]}`)).listen(0, "127.0.0.1");
  await once(app, "listening");
  const { port } = app.address() as AddressInfo;
  await using router = await startRouter({ routes: [aRoute({ siteId: 8, name: "app" })] });
  router.orchestrator.onWake = () => ({ address: { host: "127.0.0.1", port }, instance: "one" });
  const reply = await visit(router.door, { host: "app.localhost", path: "/a?b=c" });
  expect(reply.text).toBe("GET /a?b=c 127.0.0.1");
  app.close();
  app.closeAllConnections();
});
