import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { createConnection, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { cachedApp } from "../../../test/support/cached-stage.ts";
import { aRoute, startRouter, visit } from "../../../test/support/router-harness.ts";
import { startRawProgram, until } from "../../../test/support/site-program.ts";

const chunk = (bytes: number): string => `${bytes.toString(16)}\r\n${"x".repeat(bytes)}\r\n`;

/** The router's own side of the next request to this host: how much waits there for its visitor. */
async function responseTo(host: string, ask: () => void): Promise<ServerResponse> {
  const started = Promise.withResolvers<ServerResponse>();
  const listener = (message: unknown): void => {
    // Node's own channel: https://nodejs.org/api/diagnostics_channel.html#http
    const { request, response } = message as { readonly request: { readonly headers: { readonly host?: string } }; readonly response: ServerResponse };
    if (request.headers.host === host) started.resolve(response);
  };
  subscribe("http.server.request.start", listener);
  ask();
  const response = await started.promise;
  unsubscribe("http.server.request.start", listener);
  return response;
}

/** Sends chunks until so much waits for the visitor that the next one is too much. */
async function sendUntilFull(site: Socket, response: ServerResponse): Promise<void> {
  const visitor = response.socket;
  if (visitor === null) throw new Error("the visitor has left");
  while (visitor.writableLength < visitor.writableHighWaterMark - 6000) {
    const before = visitor.bytesWritten;
    site.write(chunk(visitor.writableLength === 0 ? 32_000 : 4000));
    while (visitor.bytesWritten === before) await turn();
  }
  expect(visitor.writableNeedDrain).toBe(false);
}

test.each([
  ["", aRoute({ siteId: 8, name: "app" })],
  [", with a page cache", cachedApp()],
])("an answer whose end comes together with what is too much for its visitor leaves a connection that the next one can use%s", async (_, route) => {
  const sites: Socket[] = [];
  let asked = 0;
  await using program = await startRawProgram((socket) => {
    sites.push(socket);
    socket.on("data", () => {
      asked += 1;
      socket.write(asked === 1 ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" : "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond");
    });
  });
  await using router = await startRouter({ routes: [route], environment: { BACKLOT_ROUTER_RESPONSE_HEAD_MS: "3000" } });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  const { hostname, port } = new URL(router.door);
  const slow = createConnection({ host: hostname, port: Number(port) });
  const response = await responseTo("app.localhost", () => slow.write("GET /large HTTP/1.1\r\nHost: app.localhost\r\n\r\n"));
  await until(() => response.headersSent, "the answer begins");
  const [site] = sites;
  if (site === undefined) throw new Error("nobody asked the program");
  await sendUntilFull(site, response);
  site.write(`${chunk(8000)}${chunk(1)}0\r\n\r\n`);
  await until(() => response.writableEnded, "the answer is complete");
  const next = await visit(router.door, { host: "app.localhost", path: "/next" });
  expect([next.status, next.text]).toEqual([200, "second"]);
  expect(sites).toHaveLength(1);
  const closed = once(slow, "close");
  slow.destroy();
  await closed;
});
