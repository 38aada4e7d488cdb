import { afterAll, beforeAll, expect, test } from "vitest";
import { aRoute, type RouterHarness, startRouter } from "../../../test/support/router-harness.ts";
import { exchangeRaw, type SiteProgram, startProgram } from "../../../test/support/site-program.ts";

let router: RouterHarness;
let program: SiteProgram;
const host = "app.localhost";
/** What the program was asked for. */
const seen: (string | undefined)[] = [];

beforeAll(async () => {
  program = await startProgram((req, res) => {
    seen.push(req.url);
    req.resume();
    res.end("ok");
  });
  router = await startRouter({ routes: [aRoute({ siteId: 8, name: "app" })] });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
});
afterAll(async () => {
  await router[Symbol.asyncDispose]();
  await program[Symbol.asyncDispose]();
});

const smuggled: readonly (readonly [string, string])[] = [
  [
    "both lengths",
    "POST / HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\nHost: app.localhost\r\n\r\n",
  ],
  ["two lengths", "POST / HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"],
  ["an unknown coding", "POST / HTTP/1.1\r\nHost: app.localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"],
  ["a coding before the chunks", "POST / HTTP/1.1\r\nHost: app.localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
  ["chunks twice", "POST / HTTP/1.1\r\nHost: app.localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"],
  ["a space before the colon", "POST / HTTP/1.1\r\nHost: app.localhost\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"],
  ["a signed length", "POST / HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: +4\r\n\r\nabcd"],
  ["a bare line feed", "GET / HTTP/1.1\nHost: app.localhost\n\n"],
  ["a folded header", "GET / HTTP/1.1\r\nHost: app.localhost\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\n"],
  ["two hosts", "GET / HTTP/1.1\r\nHost: app.localhost\r\nHost: other.localhost\r\n\r\n"],
  ["no host", "GET / HTTP/1.1\r\n\r\n"],
  ["another host in its address", "GET http://other.localhost/ HTTP/1.1\r\nHost: app.localhost\r\n\r\n"],
  ["a chunk's size that overflows", "POST / HTTP/1.1\r\nHost: app.localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"],
  ["an upgrade with a body", "GET / HTTP/1.1\r\nHost: app.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 4\r\n\r\nabcd"],
];
test.each(smuggled)("a request with %s is refused and no program sees a second one", async (_, bytes) => {
  const text = await exchangeRaw(router.door, bytes, (reply) => reply.includes("\r\n\r\n"));
  expect(text).toMatch(/^HTTP\/1.1 (?:4|5)\d\d /);
  expect(seen).toEqual([]);
});

test("heads that are too large are refused", async () => {
  const text = await exchangeRaw(router.door, `GET / HTTP/1.1\r\nHost: ${host}\r\nX: ${"x".repeat(20_000)}\r\n\r\n`);
  expect(text).toMatch(/^HTTP\/1.1 431 /);
});
