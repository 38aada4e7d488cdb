import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { expect, test } from "vitest";
import { holdSite, purgePages, readPages, releaseSite } from "#contract/internal/router.ts";
import { cachedApp as app, stageCached as stage } from "../../../test/support/cached-stage.ts";
import { type Reply, type RouterHarness, startRouter, visit } from "../../../test/support/router-harness.ts";
import { freePort, startRawProgram, until } from "../../../test/support/site-program.ts";

const googlebot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

const said = (reply: Reply): string => String(reply.headers["cache-status"]);
const asleep = (router: RouterHarness): Promise<unknown> => router.admin.call(releaseSite, { params: { siteId: 8 }, body: { target: null } });

test("a page that says how long it is good is asked for once, and goes out with its age", async () => {
  await using site = await stage((_req, res, count) => res.setHeader("Cache-Control", "max-age=60").setHeader("Age", "5").end(`page ${count}`));
  const first = await site.get("/a?b=c");
  expect([first.text, said(first)]).toEqual(["page 1", "backlot; fwd=uri-miss; fwd-status=200; stored"]);
  const second = await site.get("/a?b=c");
  expect(second.text).toBe("page 1");
  expect(said(second)).toMatch(/^backlot; hit; ttl=5[345]$/);
  expect(Number(second.headers.age)).toBeGreaterThanOrEqual(5);
  expect(second.headers["content-length"]).toBe("6");
  expect((await site.get("/a")).text).toBe("page 2");
});

test("an answer that says nothing of it is not kept, unless the site gives a time", async () => {
  await using site = await stage((_req, res, count) => res.end(`page ${count}`));
  await site.get();
  expect((await site.get()).text).toBe("page 2");
  site.router.manager.upsert(app({ generation: 2, defaultSeconds: 60 }));
  await site.router.settled();
  await site.get("/new");
  expect((await site.get("/new")).text).toBe("page 3");
});

test.each([
  ["cookies", { cookie: "session=1" }, "backlot; fwd=bypass; detail=cookie"],
  ["authorisation", { authorization: "Bearer x" }, "backlot; fwd=bypass; detail=authorization"],
  ["no-store", { "cache-control": "no-store" }, "backlot; fwd=bypass; detail=no-store"],
  ["a header that Connection takes away", { connection: "close, Accept-Language", "accept-language": "de" }, "backlot; fwd=bypass; detail=connection"],
])("a request with %s goes to the program, and its answer is for nobody else", async (_, headers, status) => {
  await using site = await stage((_req, res, count) => res.setHeader("Cache-Control", "max-age=60").end(`page ${count}`));
  const own = await site.get("/", headers);
  expect([own.text, said(own)]).toEqual(["page 1", status]);
  expect((await site.get()).text).toBe("page 2");
  expect((await site.get("/", headers)).text).toBe("page 3");
});

test("the dashboard's own cookie is no cookie of the site", async () => {
  await using site = await stage((_req, res, count) => res.setHeader("Cache-Control", "max-age=60").end(`page ${count}`));
  await site.get();
  expect((await site.get("/", { cookie: "backlot_session=abc" })).text).toBe("page 1");
});

test.each([
  ["sets a cookie", { "Cache-Control": "public, max-age=60", "Set-Cookie": "a=b" }],
  ["is private", { "Cache-Control": "Private, max-age=60" }],
  ["must not be stored", { "Cache-Control": "No-Store, max-age=60" }],
  ["depends on everything", { "Cache-Control": "max-age=60", Vary: "*" }],
  ["is a stream of events", { "Cache-Control": "max-age=60", "Content-Type": "text/event-stream" }],
])("an answer that %s is not kept", async (_, headers) => {
  await using site = await stage((_req, res, count) => res.writeHead(200, headers).end(`page ${count}`));
  await site.get();
  expect((await site.get()).text).toBe("page 2");
});

test("an answer that ends with its connection, or is cut off, is not kept", async () => {
  let count = 0;
  await using program = await startRawProgram((socket) =>
    socket.on("data", (bytes) => {
      count += 1;
      const isCut = bytes.includes("/cut");
      socket.end(`HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nConnection: close\r\n${isCut ? "Content-Length: 100\r\n" : ""}\r\npage ${count}`);
    }),
  );
  await using router = await startRouter({ routes: [app()] });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  const get = (path: string) => visit(router.door, { host: "app.localhost", path });
  expect([(await get("/")).text, (await get("/")).text]).toEqual(["page 1", "page 2"]);
  await expect(get("/cut")).rejects.toThrow();
  await expect(get("/cut")).rejects.toThrow();
  expect(count).toBe(4);
});

test("Vary decides who gets which answer; encodings are compared by what they mean", async () => {
  await using site = await stage((req, res, count) =>
    res
      .writeHead(200, { "Cache-Control": "max-age=60", Vary: "Accept-Language, Accept-Encoding" })
      .end(`${req.headers["accept-language"]} ${req.headers["accept-encoding"]} ${count}`),
  );
  const de = { "accept-language": "de", "accept-encoding": "gzip, br" };
  expect((await site.get("/", de)).text).toBe("de br, gzip 1");
  const en = await site.get("/", { "accept-language": "en" });
  expect([en.text, said(en)]).toEqual(["en undefined 2", "backlot; fwd=vary-miss; fwd-status=200; stored"]);
  expect((await site.get("/", { ...de, "accept-encoding": "br,gzip" })).text).toBe("de br, gzip 1");
  expect((await site.get("/", { "accept-language": "en" })).text).toBe("en undefined 2");
});

test("what the program sees and the key does not name changes nothing for others", async () => {
  await using site = await stage((req, res, count) => {
    const { "x-forwarded-host": host, "x-original-url": url, "x-forwarded-for": from, "hx-request": part } = req.headers;
    res
      .setHeader("Cache-Control", "max-age=60")
      .setHeader("Vary", "HX-Request")
      .end(JSON.stringify({ host, url, from, part, count, own: req.headers.host }));
  });
  const poisoned = await site.get("/", {
    "x-forwarded-host": "evil.example",
    "X-Forwarded-For": "evil",
    X_Forwarded_Host: "evil.example",
    "x-original-url": "/admin",
  });
  expect(JSON.parse(poisoned.text)).toMatchObject({ host: "app.localhost", url: "/admin", from: "127.0.0.1", count: 1 });
  expect(JSON.parse((await site.get()).text)).toMatchObject({ host: "app.localhost", count: 2 });
  expect(JSON.parse((await site.get("/", { "x-original-url": "/admin" })).text)).toMatchObject({ count: 2 });
  // A header that the answer is known to depend on is one like any other.
  expect(JSON.parse((await site.get("/", { "hx-request": "true" })).text)).toMatchObject({ part: "true", count: 3 });
  expect(JSON.parse((await site.get("/", { "hx-request": "true" })).text)).toMatchObject({ part: "true", count: 3 });
  expect(JSON.parse((await site.get()).text)).toMatchObject({ count: 2 });
  const port = await visit(site.router.door, { host: "app.localhost:6666" });
  expect(JSON.parse(port.text)).toMatchObject({ own: "app.localhost:6666", count: 4 });
  expect(JSON.parse((await site.get()).text)).toMatchObject({ own: "app.localhost", count: 2 });
});

test("of many who want the same page at once the program hears one", async () => {
  const finish = Promise.withResolvers<void>();
  await using site = await stage(async (_req, res, count) => {
    await finish.promise;
    res.setHeader("Cache-Control", "max-age=60").end(`page ${count}`);
  });
  const replies = Array.from({ length: 30 }, () => site.get());
  await until(() => site.seen.length > 0, "the program is asked");
  const late = Array.from({ length: 20 }, () => site.get());
  finish.resolve();
  const texts = (await Promise.all([...replies, ...late])).map((reply) => reply.text);
  expect(new Set(texts)).toEqual(new Set(["page 1"]));
  expect(site.seen.length).toBe(1);
});

test("those who waited for an answer that is for its asker only ask for themselves, and nobody waits the next time", async () => {
  const finish = Promise.withResolvers<void>();
  await using site = await stage(async (_req, res, count) => {
    if (count === 1) await finish.promise;
    res.setHeader("Cache-Control", "private").end(`page ${count}`);
  });
  const replies = Array.from({ length: 5 }, () => site.get());
  await until(() => site.seen.length > 0, "the program is asked");
  finish.resolve();
  expect(new Set((await Promise.all(replies)).map((reply) => reply.text)).size).toBe(5);
});

test("a body goes to its asker while it comes, and to those who wait when it is there", async () => {
  const finish = Promise.withResolvers<void>();
  await using site = await stage(async (_req, res) => {
    res.setHeader("Cache-Control", "max-age=60").write("first ");
    await finish.promise;
    res.end("second");
  });
  const { hostname, port } = new URL(site.router.door);
  const response = await new Promise<IncomingMessage>((resolve) => {
    request({ hostname, port, headers: { host: "app.localhost" } }, resolve).end();
  });
  const [chunk] = (await once(response, "data")) as [Buffer];
  expect(chunk.toString()).toBe("first ");
  const waiting = site.get();
  finish.resolve();
  expect((await waiting).text).toBe("first second");
  response.resume();
});

test("conditions, ranges and HEAD are answered from what is kept", async () => {
  await using site = await stage((_req, res) =>
    res
      .writeHead(200, { "Cache-Control": "max-age=60", ETag: '"v1"', "Last-Modified": "Sat, 21 Nov 2026 12:00:00 GMT", "Content-Type": "text/plain" })
      .end("0123456789"),
  );
  const early = await site.get("/", { "if-none-match": '"v1"' });
  expect([early.status, early.text, site.seen[0]?.headers["if-none-match"]]).toEqual([304, "", undefined]);
  const same = await site.get("/", { "if-none-match": 'W/"v1"' });
  expect([same.status, same.headers.etag, same.headers["content-type"]]).toEqual([304, '"v1"', undefined]);
  expect((await site.get("/", { "if-modified-since": "Sat, 21 Nov 2026 12:00:00 GMT" })).status).toBe(304);
  expect((await site.get("/", { "if-none-match": '"v0"' })).status).toBe(200);
  const part = await site.get("/", { range: "bytes=2-4" });
  expect([part.status, part.text, part.headers["content-range"]]).toEqual([206, "234", "bytes 2-4/10"]);
  expect((await site.get("/", { range: "bytes=2-4", "if-range": '"v0"' })).text).toBe("0123456789");
  expect((await site.get("/", { range: "bytes=20-" })).status).toBe(416);
  const head = await site.get("/", {}, "HEAD");
  expect([head.status, head.text, head.headers["content-length"]]).toEqual([200, "", "10"]);
  expect(site.seen.length).toBe(1);
  expect((await site.get("/other", { range: "bytes=2-4" })).status).toBe(200);
  expect(said(await site.get("/other", {}, "HEAD"))).toBe("backlot; fwd=uri-miss; fwd-status=200");
});

test("a page that is out of date is asked for with its validators, and one that is still good gets a new time", async () => {
  await using site = await stage((req, res, count) => {
    if (req.headers["if-none-match"] === '"v1"') res.writeHead(304, { ETag: '"v1"', "Cache-Control": "max-age=60", "X-Count": String(count) }).end();
    else res.writeHead(200, { ETag: '"v1"', "Cache-Control": "max-age=0" }).end("kept");
  });
  expect((await site.get()).text).toBe("kept");
  const again = await site.get();
  expect([again.status, again.text, again.headers["x-count"]]).toEqual([200, "kept", "2"]);
  expect(said(await site.get())).toMatch(/^backlot; hit; ttl=(?:60|59)$/);
  expect(site.seen.length).toBe(2);
});

test("an old page goes out while a newer one is fetched, once however many come", async () => {
  await using site = await stage((_req, res, count) => res.setHeader("Cache-Control", "max-age=0, stale-while-revalidate=60").end(`page ${count}`));
  await site.get();
  const old = await Promise.all([site.get(), site.get(), site.get()]);
  for (const reply of old.slice(0, 1)) expect(said(reply)).toMatch(/^backlot; hit; ttl=-?\d+; detail=revalidating$/);
  expect(old[0]?.text).toBe("page 1");
  await until(() => site.seen.length >= 2, "the page is fetched again");
});

test("a program that fails is answered for by an old page, within the site's bound", async () => {
  let isBroken = false;
  await using site = await stage((req, res, count) => {
    if (!isBroken) res.setHeader("Cache-Control", req.url === "/strict" ? "max-age=0, must-revalidate" : "max-age=0").end(`page ${count}`);
    else if (req.url === "/gone") req.socket.destroy();
    else res.writeHead(500).end("broken");
  });
  await site.get("/error");
  await site.get("/gone");
  await site.get("/strict");
  isBroken = true;
  const failed = await site.get("/error");
  expect([failed.status, failed.text]).toEqual([200, "page 1"]);
  expect(said(failed)).toMatch(/detail=failed$/);
  expect((await site.get("/gone")).text).toBe("page 2");
  expect((await site.get("/strict")).status).toBe(500);
  expect((await site.get("/unknown")).status).toBe(500);
});

test("a program that is gone and does not come back is answered for by an old page", async () => {
  const port = await freePort();
  await using site = await stage((_req, res) => res.setHeader("Cache-Control", "max-age=0").end("kept"));
  await site.get();
  site.router.orchestrator.onWake = () => ({ address: { host: "127.0.0.1", port }, instance: "two" });
  site.program.server.close();
  site.program.server.closeAllConnections();
  const reply = await site.get();
  expect([reply.status, reply.text]).toEqual([200, "kept"]);
});

test("while the site sleeps a kept page neither waits nor wakes, for bots too, and past its time", async () => {
  await using site = await stage((_req, res, count) => res.setHeader("Cache-Control", "max-age=0").end(`page ${count}`));
  await site.get();
  await asleep(site.router);
  const reply = await site.get();
  expect(reply.text).toBe("page 1");
  expect(said(reply)).toMatch(/^backlot; hit; ttl=-?\d+; detail=asleep$/);
  expect((await site.get("/", { "user-agent": googlebot })).text).toBe("page 1");
  expect((await site.get("/", {}, "HEAD")).status).toBe(200);
  expect((await site.get("/other", { "user-agent": googlebot })).status).toBe(503);
  expect([site.router.orchestrator.wakes.length, site.seen.length]).toEqual([1, 1]);
  expect((await site.get("/other")).text).toBe("page 2");
  expect(site.router.orchestrator.wakes.length).toBe(2);
});

test("visitors who are served from what is kept do not keep the site awake", async () => {
  await using site = await stage((_req, res) => res.setHeader("Cache-Control", "max-age=60").end("kept"));
  site.router.manager.upsert({ ...app(), idleSeconds: 0 });
  await site.router.settled();
  await site.get();
  await until(() => site.router.orchestrator.sleeps.length > 0, "it goes to sleep");
  for (let index = 0; index < 5; index += 1) expect((await site.get()).text).toBe("kept");
  expect(site.router.orchestrator.wakes.length).toBe(1);
});

test("while visitors are held back a kept page goes out", async () => {
  await using site = await stage((_req, res) => res.setHeader("Cache-Control", "max-age=0").end("kept"));
  await site.get();
  await site.router.admin.call(holdSite, { params: { siteId: 8 }, body: {} });
  expect(said(await site.get())).toContain("detail=asleep");
});

test("a new generation makes everything out of date, what is on its way too", async () => {
  const finish = Promise.withResolvers<void>();
  await using site = await stage(async (req, res, count) => {
    if (req.url === "/slow" && count < 3) await finish.promise;
    res.setHeader("Cache-Control", "max-age=60").end(`page ${count}`);
  });
  await site.get();
  const slow = site.get("/slow");
  await until(() => site.seen.length === 2, "the program is asked");
  site.router.manager.upsert(app({ generation: 2 }));
  await site.router.settled();
  finish.resolve();
  expect((await slow).text).toBe("page 2");
  expect((await site.get("/slow")).text).toBe("page 3");
  expect((await site.get()).text).toBe("page 4");
});

test("pages go by path, by prefix and by tag; visitors see no tags", async () => {
  await using site = await stage((req, res, count) =>
    res.writeHead(200, { "Cache-Control": "max-age=60", "Cache-Tag": `all, ${req.url?.slice(1)}` }).end(`page ${count}`),
  );
  for (const path of ["/a", "/a?x=1", "/b/1", "/b/2", "/c"]) expect((await site.get(path)).headers["cache-tag"]).toBeUndefined();
  expect((await site.get("/c")).headers["cache-tag"]).toBeUndefined();
  const purge = (body: object) => site.router.admin.call(purgePages, { params: { siteId: 8 }, body });
  expect(await purge({ path: "/a" })).toEqual({ removed: 2, isComplete: true, isShared: false });
  expect(await purge({ prefix: "/b/" })).toEqual({ removed: 2, isComplete: true, isShared: false });
  expect(await purge({ tag: "nothing" })).toEqual({ removed: 0, isComplete: true, isShared: false });
  expect((await site.get("/c")).text).toBe("page 5");
  expect(await purge({ tag: "all" })).toEqual({ removed: 1, isComplete: true, isShared: false });
  expect((await site.get("/c")).text).toBe("page 6");
});

test("a request that changes something makes what is kept of its address out of date", async () => {
  await using site = await stage((req, res, count) => res.writeHead(req.method === "PUT" ? 404 : 200, { "Cache-Control": "max-age=60" }).end(`page ${count}`));
  await site.get("/a");
  await site.get("/a", {}, "PUT");
  expect((await site.get("/a")).text).toBe("page 1");
  expect(said(await site.get("/a", {}, "POST"))).toBe("backlot; fwd=method");
  expect((await site.get("/a")).text).toBe("page 4");
});

test("a page that is too large is not kept, announced or not, and the site's bytes bound what is", async () => {
  const large = "x".repeat(30_000);
  await using site = await stage(
    (req, res) => {
      res.setHeader("Cache-Control", "max-age=60");
      if (req.url === "/chunked") for (let index = 0; index < 10; index += 1) res.write(large);
      else if (req.url === "/large") res.write(large.repeat(10));
      else res.write(large);
      res.end();
    },
    { bytes: 100_000 },
  );
  expect((await site.get("/chunked")).text.length).toBe(300_000);
  expect((await site.get("/large")).text.length).toBe(300_000);
  for (let index = 0; index < 10; index += 1) await site.get(`/${index}`);
  const report = await site.router.admin.call(readPages, { params: { siteId: 8 } });
  expect(report).toMatchObject({ entries: 3, misses: 12, hits: 0 });
  expect(report.bytes).toBeLessThanOrEqual(100_000);
  await site.get("/9");
  const after = await site.router.admin.call(readPages, { params: { siteId: 8 } });
  expect(after.hits).toBe(1);
  // A minute may have ended meanwhile.
  const total = (count: (minute: (typeof after.minutes)[number]) => number): number => after.minutes.reduce((sum, minute) => sum + count(minute), 0);
  expect([total(({ hits }) => hits), total(({ misses }) => misses)]).toEqual([1, 12]);
});

test("whoever wants a kept page or none hears when there is none", async () => {
  await using site = await stage((_req, res) => res.end("x"));
  expect((await site.get("/", { "cache-control": "only-if-cached" })).status).toBe(504);
  expect(site.router.orchestrator.wakes).toEqual([]);
});

test("a visitor who reloads without the cache gets the program's own answer, which is kept", async () => {
  await using site = await stage((_req, res, count) => res.setHeader("Cache-Control", "max-age=60").end(`page ${count}`));
  await site.get();
  expect((await site.get("/", { "cache-control": "no-cache" })).text).toBe("page 2");
  expect((await site.get("/", { "cache-control": "max-age=0" })).text).toBe("page 2");
});

test("a visitor who leaves does not spoil the page for the others", async () => {
  const finish = Promise.withResolvers<void>();
  await using site = await stage(async (_req, res, count) => {
    await finish.promise;
    res.setHeader("Cache-Control", "max-age=60").end(`page ${count}`);
  });
  const { hostname, port } = new URL(site.router.door);
  const leaver = request({ hostname, port, headers: { host: "app.localhost" } }).end();
  leaver.on("error", () => undefined);
  await until(() => site.seen.length === 1, "the program is asked");
  const other = site.get();
  leaver.destroy();
  finish.resolve();
  expect((await other).text).toBe("page 1");
  expect(site.seen.length).toBe(1);
});

test("without the setting nothing is kept and nothing is said of it", async () => {
  await using site = await stage((_req, res, count) => res.setHeader("Cache-Control", "max-age=60").end(`page ${count}`));
  site.router.manager.upsert({ ...app(), cache: null });
  await site.router.settled();
  await site.get();
  const reply = await site.get();
  expect([reply.text, reply.headers["cache-status"]]).toEqual(["page 2", undefined]);
});
