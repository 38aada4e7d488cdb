import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { createConnection } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { aRoute, type RouterHarness, startRouter, visit } from "../../../test/support/router-harness.ts";
import { exchangeRaw, type SiteProgram, startProgram, startRawProgram, until } from "../../../test/support/site-program.ts";

let router: RouterHarness;
let program: SiteProgram;
let handle: (req: IncomingMessage, res: import("node:http").ServerResponse) => void;
/** Requests as the program got them. */
const seen: { readonly url: string | undefined; readonly rawHeaders: readonly string[] }[] = [];
const host = "app.localhost";
const mostBytes = 5_000_000;

/** Sends what comes to `app` to the program, and what comes to `raw` to one that speaks on the bare socket. */
beforeAll(async () => {
  program = await startProgram((req, res) => {
    seen.push({ url: req.url, rawHeaders: req.rawHeaders });
    handle(req, res);
  });
  router = await startRouter({
    routes: [aRoute({ siteId: 8, name: "app", requestBodyBytes: mostBytes })],
    environment: { BACKLOT_ROUTER_RESPONSE_HEAD_MS: "700", BACKLOT_ROUTER_UPLOAD_STALL_MS: "700" },
  });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
});
afterAll(async () => {
  await router[Symbol.asyncDispose]();
  await program[Symbol.asyncDispose]();
});
beforeEach(() => {
  seen.length = 0;
  handle = (req, res) => {
    req.resume();
    res.end("ok");
  };
});

/** Puts a site behind a program that speaks on the bare socket, and asks it. */
async function visitRaw(answer: string | ((socket: import("node:net").Socket) => void), ask: { readonly method?: string } = {}) {
  const raw = await startRawProgram((socket) => {
    if (typeof answer === "string") socket.once("data", () => socket.end(answer, "latin1"));
    else answer(socket);
  });
  const siteId = 1000 + Math.floor(Math.random() * 1_000_000);
  router.manager.upsert(aRoute({ siteId, name: `raw${siteId}` }));
  await router.settled();
  const before = router.orchestrator.onWake;
  router.orchestrator.onWake = (id) => (id === siteId ? { address: raw.address, instance: "raw" } : before(id));
  try {
    return await visit(router.door, { host: `raw${siteId}.localhost`, ...ask });
  } finally {
    await raw[Symbol.asyncDispose]();
  }
}

test("a program sees the request as it was asked, and who asks", async () => {
  await visit(router.door, {
    host: "app.localhost:8080",
    path: "/a%2Fb/../c?d=%20e",
    headers: { "X-Own": "1", "X-Forwarded-For": "6.6.6.6", "X-Real-IP": "6.6.6.6", Cookie: "a=1; backlot_session=secret; b=2", TE: "trailers" },
  });
  expect(seen[0]?.url).toBe("/a%2Fb/../c?d=%20e");
  expect(seen[0]?.rawHeaders).toEqual([
    ...["Host", "app.localhost:8080", "X-Own", "1", "Cookie", "a=1; b=2"],
    ...["X-Forwarded-For", "127.0.0.1", "X-Real-IP", "127.0.0.1", "X-Forwarded-Proto", "http", "X-Forwarded-Host", "app.localhost:8080"],
  ]);
});

test("a visitor gets the answer as it was given, but for cookies that would reach other sites", async () => {
  handle = (_req, res) => {
    res.writeHead(418, "Short and stout", [
      "Set-Cookie",
      "a=1; Path=/",
      "Set-Cookie",
      "wide=1; Domain=localhost",
      "X-Two",
      "1",
      "X-Two",
      "2",
      "Set-Cookie",
      "own=1; Domain=app.localhost",
    ]);
    res.end("tea");
  };
  const reply = await visit(router.door, { host });
  expect([reply.status, reply.text, reply.headers["x-two"]]).toEqual([418, "tea", "1, 2"]);
  expect(reply.headers["set-cookie"]).toEqual(["a=1; Path=/", "own=1; Domain=app.localhost"]);
});

test.each([
  ["with a known length", { "content-length": "4000000" }],
  ["in chunks", { "transfer-encoding": "chunked" }],
])("4 MB go to the program and back unchanged, %s", async (_, headers) => {
  handle = (req, res) => req.pipe(res);
  const body = randomBytes(4_000_000);
  const reply = await visit(router.door, { host, method: "POST", headers, body });
  expect(createHash("sha256").update(reply.body).digest("hex")).toBe(createHash("sha256").update(body).digest("hex"));
});

test.each([1, 256, 4096, 4097, 100_000])("an answer of %i bytes of every value arrives as it was", async (size) => {
  const bytes = Buffer.from(Array.from({ length: size }, (_, index) => index % 256));
  handle = (_req, res) => res.end(bytes);
  expect((await visit(router.door, { host })).body.equals(bytes)).toBe(true);
});

test("an answer is passed on as it comes, not when it is complete", async () => {
  const goOn = Promise.withResolvers<void>();
  handle = async (_req, res) => {
    res.writeHead(200, { "content-type": "text/event-stream" });
    res.flushHeaders();
    await goOn.promise;
    res.write("data: 1\n\n");
  };
  const asked = request(`${router.door}/events`, { headers: { host }, agent: false }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  goOn.resolve();
  const [chunk] = (await once(response, "data")) as [Buffer];
  expect(chunk.toString()).toBe("data: 1\n\n");
  asked.destroy();
});

test("a slow visitor slows the program down instead of filling the router's memory", async () => {
  let sent = 0;
  const stalled = Promise.withResolvers<void>();
  handle = (_req, res) => {
    const push = (): void => {
      while (sent < 200_000_000) {
        sent += 1_000_000;
        if (!res.write(Buffer.alloc(1_000_000))) break;
      }
    };
    res.on("drain", push);
    push();
    setTimeout(() => stalled.resolve(), 400);
  };
  const asked = request(router.door, { headers: { host }, agent: false }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  response.pause();
  await stalled.promise;
  expect(sent).toBeLessThan(60_000_000);
  asked.destroy();
});

test("what waits for a slow visitor is not mixed up with other visitors' answers", async () => {
  const body = randomBytes(20_000_000);
  handle = (req, res) => res.end(req.url === "/slow" ? body : Buffer.alloc(60_000, "other"));
  const asked = request(`${router.door}/slow`, { headers: { host }, agent: false }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  response.pause();
  for (let index = 0; index < 20; index += 1) await visit(router.door, { host });
  const hash = createHash("sha256");
  for await (const chunk of response) {
    hash.update(chunk as Buffer);
    if (Math.random() < 0.02) await visit(router.door, { host });
  }
  expect(hash.digest("hex")).toBe(createHash("sha256").update(body).digest("hex"));
});

test("when the visitor leaves, the program's request ends too, and the site's count of requests", async () => {
  const left = Promise.withResolvers<void>();
  handle = (req, res) => {
    res.write("begun");
    req.socket.on("close", () => left.resolve());
  };
  const asked = request(router.door, { headers: { host }, agent: false }).end();
  asked.on("error", () => undefined);
  await once(asked, "response");
  asked.destroy();
  await left.promise;
  const metrics = await fetch(`${router.adminDoor}/metrics`).then((reply) => reply.text());
  expect(metrics).toContain("backlot_router_requests_at_sites 0\n");
});

test("a body that grows beyond the site's limit is stopped in the middle", async () => {
  let received = 0;
  const ended = Promise.withResolvers<void>();
  handle = (req) => {
    req.on("data", (chunk: Buffer) => {
      received += chunk.length;
    });
    req.on("error", () => ended.resolve());
  };
  const asked = request(router.door, { method: "POST", headers: { host, "transfer-encoding": "chunked" }, agent: false });
  asked.on("error", () => undefined);
  const response = once(asked, "response") as Promise<[IncomingMessage]>;
  for (let sent = 0; sent < 7_000_000; sent += 500_000) asked.write(Buffer.alloc(500_000));
  asked.end();
  const [{ statusCode }] = await response;
  expect(statusCode).toBe(413);
  await ended.promise;
  expect(received).toBeLessThanOrEqual(mostBytes);
});

test("a visitor who sends on and on after a refusal is cut off", async () => {
  const { hostname, port } = new URL(router.door);
  const socket = createConnection({ host: hostname, port: Number(port) });
  socket.on("error", () => undefined);
  // Not `once`, which takes the broken connection for a failure of its own.
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 999999999\r\n\r\n`);
  const [head] = (await once(socket, "data")) as [Buffer];
  expect(head.toString()).toMatch(/^HTTP\/1.1 413 /);
  let sent = 0;
  const push = (): void => {
    while (!socket.destroyed && sent < 100_000_000) {
      sent += 1_000_000;
      if (!socket.write(Buffer.alloc(1_000_000))) return;
    }
  };
  socket.on("drain", push);
  push();
  await closed;
  expect(sent).toBeLessThan(100_000_000);
});

test("a visitor who asks first sends its body only when the program is there to take it", async () => {
  handle = (req, res) => req.pipe(res);
  const asked = request(router.door, { method: "POST", headers: { host, expect: "100-continue", "content-length": "5" }, agent: false });
  await once(asked, "continue");
  asked.end("hello");
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  expect((await response.toArray()).join("")).toBe("hello");
  expect(seen[0]?.rawHeaders.join()).not.toContain("100-continue");
});

test("a visitor who asks first about too much hears 413 and sends nothing", async () => {
  const text = await exchangeRaw(router.door, `POST / HTTP/1.1\r\nHost: ${host}\r\nExpect: 100-continue\r\nContent-Length: 999999999\r\n\r\n`, (reply) =>
    reply.includes("\r\n\r\n"),
  );
  expect(text).toMatch(/^HTTP\/1.1 413 /);
  expect(seen).toEqual([]);
});

test("an answer that comes before the body was taken is passed on", async () => {
  handle = (_req, res) => {
    res.writeHead(401, { connection: "close" });
    res.end("no");
  };
  const reply = await visit(router.door, { host, method: "POST", body: Buffer.alloc(3_000_000) });
  expect([reply.status, reply.text]).toEqual([401, "no"]);
});

test("many requests share few connections", async () => {
  const sockets = new Set<unknown>();
  handle = (req, res) => {
    sockets.add(req.socket);
    res.end("ok");
  };
  for (let index = 0; index < 50; index += 1) await visit(router.door, { host });
  expect(sockets.size).toBe(1);
});

test("a connection that the program closes while idle costs no request", async () => {
  handle = (req, res) => {
    res.end("ok");
    // Without a word, right after the answer: the router may have sent the next request already.
    setImmediate(() => req.socket.destroy());
  };
  const replies = [];
  for (let index = 0; index < 100; index += 1) replies.push((await visit(router.door, { host })).status);
  expect(new Set(replies)).toEqual(new Set([200]));
});

test("a program that does not begin to answer ends in 504", async () => {
  handle = () => undefined;
  const reply = await visit(router.door, { host, headers: { accept: "text/html" } });
  expect(reply.status).toBe(504);
  expect(reply.text).toContain("The site took too long");
});

test("a visitor who stops in the middle of an upload does not hold the program for ever", async () => {
  const aborted = Promise.withResolvers<void>();
  handle = (req) => {
    req.on("error", () => aborted.resolve());
    req.resume();
  };
  const text = await exchangeRaw(router.door, `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100\r\n\r\nhalf`, (reply) => reply.includes("\r\n\r\n"));
  expect(text).toMatch(/^HTTP\/1.1 400 /);
  await aborted.promise;
});

test.each([
  ["nothing at all", ""],
  ["something that is no HTTP", "hello there\r\n\r\n"],
  ["a head that never ends in time", `HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(20_000)}`],
  ["a length in two ways", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"],
  ["another protocol unasked", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"],
  ["a header with forbidden characters", "HTTP/1.1 200 OK\r\nX-Bad: a\u0001b\r\nContent-Length: 0\r\n\r\n"],
  ["a header name with a space", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"],
])("a program that answers with %s gets its visitor a page, 502", async (_, answer) => {
  const reply = await visitRaw(answer);
  expect([reply.status, JSON.parse(reply.text).code]).toEqual([502, "site_unreachable"]);
});

test("an answer that breaks off in the middle breaks off for the visitor too", async () => {
  await expect(visitRaw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")).rejects.toThrow();
});

test("an old program's answer until the end of its connection is complete", async () => {
  const reply = await visitRaw("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it");
  expect([reply.status, reply.text]).toEqual([200, "all of it"]);
});

test("an answer with more behind it does not reach the next visitor", async () => {
  let connections = 0;
  const reply = await visitRaw((socket) => {
    connections += 1;
    socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"));
  });
  expect([reply.text, connections]).toEqual(["ok", 1]);
});

test("requests that were sent in one go are answered in their order", async () => {
  handle = (req, res) => setTimeout(() => res.end(req.url), req.url === "/1" ? 50 : 0);
  const one = (at: string): string => `GET ${at} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const text = await exchangeRaw(router.door, one("/1") + one("/2") + one("/3"), (reply) => reply.includes("/3"));
  expect(text.match(/^\/\d/gm)).toEqual(["/1", "/2", "/3"]);
});

test("an old visitor gets an old answer", async () => {
  handle = (_req, res) => {
    res.write("in ");
    res.end("chunks");
  };
  const text = await exchangeRaw(router.door, `GET / HTTP/1.0\r\nHost: ${host}\r\n\r\n`);
  expect(text).toMatch(/\r\n\r\nin chunks$/);
  expect(text).not.toMatch(/transfer-encoding/i);
});

test("a request for a protocol that the program does not speak gets its ordinary answer, and nothing passes behind it", async () => {
  handle = (_req, res) => {
    res.end("just a page");
  };
  const bytes = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET /behind HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n`;
  const text = await exchangeRaw(router.door, bytes);
  expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*just a page$/);
  expect(seen.map(({ url }) => url)).toEqual(["/"]);
});

test("HTTP/2 in clear text is answered as HTTP/1.1", async () => {
  const reply = await visit(router.door, {
    host,
    headers: { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAMAAABkAARAAAAAAAIAAAAA" },
  });
  expect([reply.status, reply.text]).toEqual([200, "ok"]);
});

test("any protocol passes both ways after 101, early bytes too", async () => {
  program.server.on("upgrade", (_req: IncomingMessage, socket, head: Buffer) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-Own: 1\r\n\r\nwelcome ");
    socket.write(head);
    socket.pipe(socket);
  });
  const { hostname, port } = new URL(router.door);
  const socket = createConnection({ host: hostname, port: Number(port) });
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly `);
  await until(() => text.includes("early"), "early bytes came back");
  socket.write("late");
  await until(() => text.endsWith("late"), "later bytes came back");
  expect(text).toMatch(/^HTTP\/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-Own: 1\r\n\r\nwelcome early late$/);
  const closed = once(socket, "close");
  socket.end();
  await closed;
});
