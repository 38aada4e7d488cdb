import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createConnection } from "node:net";
import { expect, test } from "vitest";
import { ConfigError } from "#kit/config.ts";
import { silentLog } from "#kit/log.ts";
import { aRoute, putFile, startRouter, visit } from "../../test/support/router-harness.ts";
import { startProgram, until } from "../../test/support/site-program.ts";
import { start } from "./start.ts";

const app = aRoute({ siteId: 8, name: "app" });

test("a static site is served from its public folder, a dynamic one by its program", async () => {
  await using program = await startProgram((req, res) => res.end(`${req.method} ${req.url}`));
  await using router = await startRouter({ routes: [app, aRoute({ siteId: 7, name: "pages", kind: "static" })] });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  await putFile(router, 7, "public/index.html", "<h1>hello</h1>");
  expect((await visit(router.door, { host: "pages.localhost:8080" })).text).toBe("<h1>hello</h1>");
  expect((await visit(router.door, { host: "app.localhost", path: "/a?b=c" })).text).toBe("GET /a?b=c");
});

test("its metrics tell what it holds and does", async () => {
  await using program = await startProgram((_req, res) => res.end("ok"));
  await using router = await startRouter({ routes: [app] });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  for (let index = 0; index < 3; index += 1) await visit(router.door, { host: "app.localhost" });
  const metrics = await fetch(`${router.adminDoor}/metrics`).then((reply) => reply.text());
  for (const line of [
    "requests_total 3",
    "requests_in_flight 0",
    "wakes_total 1",
    "routes 1",
    "routes_version 1",
    "feed_connected 1",
    "sites_awake 1",
    "requests_at_sites 0",
  ])
    expect(metrics).toContain(`backlot_router_${line}\n`);
});

test("it is ready once it has routes, from the manager or from disk", async () => {
  await using router = await startRouter({ environment: { BACKLOT_MANAGER_URL: "http://127.0.0.1:1" } });
  const reply = await fetch(`${router.adminDoor}/readyz`);
  expect([reply.status, await reply.text()]).toEqual([503, "the manager has not sent any routes yet\n"]);
  expect((await fetch(`${router.adminDoor}/healthz`)).status).toBe(200);
  const early = await visit(router.door, { host: "app.localhost", headers: { accept: "text/html" } });
  expect([early.status, early.headers["retry-after"]]).toEqual([503, "5"]);
  expect(early.text).toContain("One moment, please");
});

test("a port that is taken, and settings that are none, are told in words", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  await expect(startRouter({ environment: { BACKLOT_ROUTER_PORT: String(port) } })).rejects.toThrow(`another program uses port ${port} already`);
  await expect(startRouter({ environment: { BACKLOT_ROUTER_TRUSTED_PROXIES: "proxy.example" } })).rejects.toThrow("proxy.example is no IP address");
  await expect(start({}, silentLog())).rejects.toThrow(ConfigError);
  other.close();
});

test("when it stops, answers under way are completed, WebSockets and idle connections end", async () => {
  const finish = Promise.withResolvers<void>();
  await using program = await startProgram(async (_req, res) => {
    res.write("begun ");
    await finish.promise;
    res.end("done");
  });
  program.server.on("upgrade", (_req, socket) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    socket.resume();
  });
  const router = await startRouter({ routes: [app] });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  const { hostname, port } = new URL(router.door);
  const connect = async (text: string) => {
    const socket = createConnection({ host: hostname, port: Number(port) });
    await once(socket, "connect");
    socket.on("error", () => undefined);
    socket.write(text);
    return socket;
  };
  const reply = visit(router.door, { host: "app.localhost" });
  const tunnel = await connect("GET / HTTP/1.1\r\nHost: app.localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
  await once(tunnel, "data");
  // It has been used, and waits for another request.
  const idle = await connect("GET / HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n");
  await once(idle, "data");
  const idleClosed = once(idle.resume(), "close");
  const closed = Promise.all([once(tunnel, "close"), idleClosed]);
  const stopping = router[Symbol.asyncDispose]();
  await idleClosed;
  finish.resolve();
  expect((await reply).text).toBe("begun done");
  await Promise.all([stopping, closed]);
});

test("an answer that does not end does not hold it up for long", async () => {
  await using program = await startProgram((_req, res) => {
    res.write("for ever");
  });
  const router = await startRouter({ routes: [app], environment: { BACKLOT_ROUTER_STOP_MS: "200" } });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  const reply = visit(router.door, { host: "app.localhost" });
  reply.catch(() => undefined);
  await until(() => router.orchestrator.wakes.length > 0, "the site is woken");
  const startedAt = Date.now();
  await router[Symbol.asyncDispose]();
  expect(Date.now() - startedAt).toBeLessThan(3000);
  await expect(reply).rejects.toThrow();
});

test("a trusted proxy's word about the visitor is passed on", async () => {
  await using program = await startProgram((req, res) =>
    res.end(`${req.headers["x-forwarded-for"]} ${req.headers["x-real-ip"]} ${req.headers["x-forwarded-proto"]}`),
  );
  await using router = await startRouter({ routes: [app], environment: { BACKLOT_ROUTER_TRUSTED_PROXIES: "127.0.0.0/8" } });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  const reply = await visit(router.door, { host: "app.localhost", headers: { "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https" } });
  expect(reply.text).toBe("192.0.2.1, 127.0.0.1 192.0.2.1 https");
});
