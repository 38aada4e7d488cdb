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
  router = await startRouter({ routes: [aRoute({ siteId: 8, name: "app" }), aRoute({ siteId: 9, name: "pages", kind: "static" })] });
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
  ["two hosts of a static site", "GET / HTTP/1.1\r\nHost: pages.localhost\r\nhost: pages.localhost\r\n\r\n"],
  ["no host", "GET / HTTP/1.1\r\n\r\n"],
  ["no host, in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"],
  ["no host but in its address", "GET http://app.localhost/ HTTP/1.0\r\n\r\n"],
  ["an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"],
  ["no host and an upgrade", "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"],
  ["the method of a proxy", "CONNECT app.localhost:443 HTTP/1.1\r\nHost: app.localhost\r\n\r\n"],
  ["another host in its address", "GET http://other.localhost/ HTTP/1.1\r\nHost: app.localhost\r\n\r\n"],
  ["a chunk's size that overflows", "POST / HTTP/1.1\r\nHost: app.localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"],
  ["an upgrade with a body", "GET / HTTP/1.1\r\nHost: app.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 4\r\n\r\nabcd"],
];
test.each(smuggled)("a request with %s is refused in words, and no program sees a second one", async (_, bytes) => {
  expect(await refusalOf(bytes)).toMatchObject({ head: expect.stringMatching(/^HTTP\/1\.1 400 /), problem: { status: 400, code: "request_malformed" } });
  expect(seen).toEqual([]);
});

test("who sends too large a head is told to send less", async () => {
  const { head, problem } = await refusalOf(`GET / HTTP/1.1\r\nHost: ${host}\r\nX: ${"x".repeat(20_000)}\r\n\r\n`);
  expect(head).toMatch(/^HTTP\/1\.1 431 /);
  expect(problem).toMatchObject({ status: 431, code: "head_too_large", title: expect.stringContaining("16384 bytes") });
});

async function refusalOf(bytes: string): Promise<{ readonly head: string; readonly problem: unknown }> {
  const [head = "", body = ""] = (await exchangeRaw(router.door, bytes, isWhole)).split("\r\n\r\n");
  expect(head).toMatch(/^content-type: application\/problem\+json$/im);
  return { head, problem: JSON.parse(body) };
}

function isWhole(text: string): boolean {
  const [head = "", body = ""] = text.split("\r\n\r\n");
  return body.length > 0 && body.length >= Number(/^content-length: (\d+)/im.exec(head)?.[1]);
}
