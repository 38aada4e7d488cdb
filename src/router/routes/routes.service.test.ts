import { once } from "node:events";
import { readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { aRoute, putFile, startRouter, visit } from "../../../test/support/router-harness.ts";
import { startProgram, startRawProgram, until } from "../../../test/support/site-program.ts";

const pages = aRoute({ siteId: 7, name: "pages", kind: "static" });
const app = aRoute({ siteId: 8, name: "app" });
const browser = { accept: "text/html" };

test("with manager and orchestrator dead a router starts from its snapshot, serves files and says that sites cannot wake", async () => {
  await using router = await startRouter({ routes: [pages, app], environment: { BACKLOT_ROUTER_AWAY_MS: "100" } });
  await putFile(router, 7, "public/index.html", "still here");
  await router.manager.stop();
  await router.orchestrator.stop();
  await router.restart();
  expect((await visit(router.door, { host: "pages.localhost" })).text).toBe("still here");
  const reply = await visit(router.door, { host: "app.localhost", headers: browser });
  expect(reply.status).toBe(503);
  expect(reply.text).toContain("One moment, please");
  expect((await fetch(`${router.adminDoor}/readyz`)).status).toBe(200);
});

test("with only the manager dead it wakes sites by the grant of its snapshot, which is for its eyes only", async () => {
  await using program = await startProgram((_req, res) => res.end("awake"));
  await using router = await startRouter({ routes: [app] });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  await router.manager.stop();
  await router.restart();
  expect((await visit(router.door, { host: "app.localhost" })).text).toBe("awake");
  const file = path.join(router.data, "router/routes.json");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ routes: [app], grant: router.manager.grant });
});

test("a snapshot that cannot be read is left aside, and the feed brings the routes", async () => {
  await using router = await startRouter({ routes: [app, pages] });
  await putFile(router, 7, "public/index.html", "back");
  await writeFile(path.join(router.data, "router/routes.json"), '{"version":1,"routes":[{');
  router.manager.upsert(pages);
  await router.settled();
  await router.restart();
  await router.settled();
  expect((await visit(router.door, { host: "pages.localhost" })).text).toBe("back");
});

test("an orchestrator that is only restarting is waited for", async () => {
  await using program = await startProgram((_req, res) => res.end("awake"));
  await using router = await startRouter({ routes: [app] });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  const { url } = router.orchestrator;
  const elsewhere = { ...router.manager };
  // The feed names an address where connections end at once, and the right one when that was tried.
  let tries = 0;
  await using gone = await startRawProgram((socket) => {
    tries += 1;
    socket.resetAndDestroy();
  });
  router.manager.orchestrator = `http://127.0.0.1:${gone.port}`;
  router.manager.dropFeeds();
  await until(() => router.manager.connections > elsewhere.connections, "the feed is back");
  await router.settled();
  const reply = visit(router.door, { host: "app.localhost" });
  await until(() => tries >= 2, "the router has asked in vain, and once more");
  router.manager.orchestrator = url;
  router.manager.dropFeeds();
  expect((await reply).text).toBe("awake");
});

test("the feed is opened again when it ends, and brings what changed meanwhile", async () => {
  await using router = await startRouter({ routes: [app] });
  router.manager.dropFeeds();
  router.manager.upsert(pages);
  await putFile(router, 7, "public/index.html", "new");
  await router.settled();
  expect((await visit(router.door, { host: "pages.localhost" })).text).toBe("new");
});

test("a feed that falls silent is opened again", async () => {
  await using router = await startRouter({ routes: [app], environment: { BACKLOT_ROUTER_FEED_SILENCE_MS: "700" } });
  await until(() => router.manager.connections >= 3, "the feed was opened three times");
});

test("10,000 routes are taken in, and a change among them is seen at once", async () => {
  const many = Array.from({ length: 10_000 }, (_, index) => aRoute({ siteId: index + 100, name: `site-${index}`, kind: "static" }));
  await using router = await startRouter({ routes: many });
  await putFile(router, 5000, "public/index.html", "one of many");
  expect((await visit(router.door, { host: "site-4900.localhost" })).text).toBe("one of many");
  router.manager.upsert(aRoute({ siteId: 5000, name: "renamed", kind: "static" }));
  await router.settled();
  expect((await visit(router.door, { host: "renamed.localhost" })).text).toBe("one of many");
  expect((await visit(router.door, { host: "site-4900.localhost" })).status).toBe(404);
});

test("hosts are found in any case, with a port and with a final dot; others get a page", async () => {
  await using router = await startRouter({ routes: [pages] });
  await putFile(router, 7, "public/index.html", "found");
  for (const host of ["PAGES.localhost", "pages.localhost:1234", "pages.localhost.", "pages.localhost.:80"])
    expect((await visit(router.door, { host })).text).toBe("found");
  const reply = await visit(router.door, { host: "<b>.localhost", headers: browser });
  expect(reply.status).toBe(404);
  expect(reply.text).toContain("There is no site at &#60;b&#62;.localhost");
});

test("the path forms of the originals lead to the site's own address", async () => {
  await using router = await startRouter({ routes: [pages] });
  const reply = await visit(router.door, { host: "localhost:8080", path: "/~pages/a?b=c" });
  expect([reply.status, reply.headers.location]).toEqual([307, "http://pages.localhost:8080/a?b=c"]);
  expect((await visit(router.door, { host: "localhost:8080", path: "/pages" })).headers.location).toBe("http://pages.localhost:8080/");
  expect((await visit(router.door, { host: "localhost:8080", path: "/~nobody/" })).status).toBe(404);
  expect((await visit(router.door, { host: "localhost:8080" })).status).toBe(404);
});

test.each([
  ["not-served", 503, "This site is not served at the moment"],
  ["disabled", 403, "closed by an administrator"],
] as const)("a site that is %s gets a page in plain words, static or dynamic", async (availability, status, words) => {
  await using router = await startRouter({
    routes: [
      { ...pages, availability },
      { ...app, availability },
    ],
    environment: { BACKLOT_PUBLIC_URL: "http://dash.localhost:8000" },
  });
  for (const host of ["pages.localhost", "app.localhost"]) {
    const reply = await visit(router.door, { host, headers: browser });
    expect(reply.status).toBe(status);
    expect(reply.text).toContain(words);
    expect(reply.text).toContain('href="http://dash.localhost:8000"');
  }
  expect(router.orchestrator.wakes).toEqual([]);
});

test.each(["removed", "disabled"])("WebSockets and downloads of a site that is %s end within two seconds", async (how) => {
  await using program = await startProgram((_req, res) => {
    res.write("an endless stream");
  });
  const sockets = new WebSocketServer({ server: program.server });
  await using router = await startRouter({ routes: [app, pages] });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  await putFile(router, 7, "public/large.bin", Buffer.alloc(30_000_000));
  const socket = new WebSocket(router.door.replace("http", "ws"), { headers: { host: "app.localhost" } });
  await once(socket, "open");
  const stream = await fetchStream(router.door, "app.localhost", "/");
  const download = await fetchStream(router.door, "pages.localhost", "/large.bin");
  const startedAt = Date.now();
  if (how === "removed") {
    router.manager.remove(8);
    router.manager.remove(7);
  } else router.manager.upsert({ ...app, availability: "disabled" }, { ...pages, availability: "disabled" });
  await Promise.all([once(socket, "close"), stream.ended, download.ended]);
  expect(Date.now() - startedAt).toBeLessThan(2000);
  sockets.close();
});

/** Begins to read an answer, and tells when the connection has ended. */
async function fetchStream(door: string, host: string, at: string): Promise<{ readonly ended: Promise<unknown> }> {
  const { createConnection } = await import("node:net");
  const { hostname, port } = new URL(door);
  const socket = createConnection({ host: hostname, port: Number(port) });
  socket.write(`GET ${at} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await once(socket, "data");
  socket.pause();
  const ended = once(socket, "close");
  // Nothing more is read until the end: a slow visitor.
  setTimeout(() => socket.resume(), 300);
  return { ended };
}
