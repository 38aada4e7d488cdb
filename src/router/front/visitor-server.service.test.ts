import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { dial as dialDoor, ended, rawGet } from "../../../test/support/raw-request.ts";
import { aRoute, type RouterHarness, startRouter, visit } from "../../../test/support/router-harness.ts";
import { type SiteProgram, startProgram } from "../../../test/support/site-program.ts";
import { createVisitorServer } from "./visitor-server.ts";

let program: SiteProgram;
let router: RouterHarness;
let finish: PromiseWithResolvers<void>;
beforeAll(async () => {
  program = await startProgram(async (_req, res) => {
    await finish.promise;
    res.end("done");
  });
  router = await startRouter({ routes: [aRoute({ siteId: 8, name: "app" })] });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
});
afterAll(async () => {
  finish.resolve();
  await router[Symbol.asyncDispose]();
  await program[Symbol.asyncDispose]();
});
beforeEach(() => {
  finish?.resolve();
  finish = Promise.withResolvers();
});

const get = (host: string, ...fields: string[]): string => rawGet({ host, path: "/" }, ...fields);
const upgrade = (host: string): string => get(host, "Connection: Upgrade", "Upgrade: websocket");
const until = { timeout: 20_000 };

function dial(text: string): Promise<Socket> {
  const { hostname, port } = new URL(router.door);
  return dialDoor({ host: hostname, port: Number(port) }, text);
}

async function inFlight(): Promise<string | undefined> {
  const metrics = await fetch(`${router.adminDoor}/metrics`).then((reply) => reply.text());
  return /requests_in_flight (\d+)/.exec(metrics)?.[1];
}

test.each(["a", "app.localhost"])("an upgrade right behind a request to %s ends that connection and nothing else", async (host) => {
  const socket = await dial(get(host) + upgrade("a"));
  await ended(socket);
  await expect.poll(inFlight, until).toBe("0");
  expect((await visit(router.door, { host: "nobody.localhost" })).status).toBe(404);
});

test.each([
  ["a refused upgrade", upgrade("nobody.localhost"), "404"],
  ["an upgrade that its site answers with a page", upgrade("app.localhost"), "200"],
  ["a malformed body", "POST / HTTP/1.1\r\nHost: app.localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"],
])("%s leaves no connection behind, whatever is sent after it", async (_what, request, status) => {
  finish.resolve();
  const socket = await dial(request);
  expect(String((await once(socket, "data"))[0])).toContain(`HTTP/1.1 ${status} `);
  socket.write("x");
  socket.end();
  await Promise.all([ended(socket), expect.poll(inFlight, until).toBe("0")]);
});

test("a visitor who stays after a refused upgrade is not waited for", async () => {
  const socket = await dial(upgrade("nobody.localhost"));
  await once(socket, "data");
  await expect.poll(inFlight, until).toBe("0");
  socket.destroy();
});

test("whoever asks several things at once and goes away, went away from all of them", async () => {
  const socket = await dial(get("app.localhost").repeat(3));
  socket.resume();
  await expect.poll(inFlight, until).toBe("3");
  socket.destroy();
  await expect.poll(inFlight, until).toBe("0");
});

test("those that wait behind another request end with an upgrade that nobody should send", async () => {
  const socket = await dial(get("app.localhost").repeat(3));
  await expect.poll(inFlight, until).toBe("3");
  socket.write(upgrade("a"));
  await ended(socket);
  await expect.poll(inFlight, until).toBe("0");
});

test("a head that comes in many pieces and has no end is answered whole, and the rest of it thrown away", async () => {
  const socket = await dial(`GET / HTTP/1.1\r\nHost: app.localhost\r\nX: `);
  const answer = text(socket);
  for (let piece = 0; piece < 64; piece += 1) {
    if (!socket.write("x".repeat(16 * 1024))) await once(socket, "drain");
  }
  expect(problemIn(await answer)).toMatchObject({ status: 431, code: "head_too_large" });
  socket.destroy();
});

test("a head that comes too late is told so", async () => {
  const nobody = (): void => undefined;
  const server = createVisitorServer({ front: { request: nobody, checkContinue: nobody, upgrade: nobody }, maxConnections: 10 });
  server.headersTimeout = 1;
  await once(server.listen(0, "127.0.0.1"), "listening");
  const socket = await dialDoor({ host: "127.0.0.1", port: (server.address() as AddressInfo).port }, "GET / HTTP/1.1\r\n");
  expect(problemIn(await text(socket))).toMatchObject({ status: 408, code: "request_too_slow" });
  socket.destroy();
  server.close();
}, 60_000);

function problemIn(answer: string): unknown {
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  expect(head).toContain("content-type: application/problem+json");
  return JSON.parse(body);
}
