import { getEventListeners, once } from "node:events";
import { request as httpRequest } from "node:http";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { z } from "zod";
import { endpoint } from "#contract/endpoint.ts";
import { Failure } from "#contract/failure.ts";
import { silentLog } from "../log.ts";
import { mount } from "./mount.ts";
import { createServer } from "./server.ts";
import { maxMessageBytes, mountSocket, type TakeSocket } from "./socket.ts";
import { openSocket } from "./socket-client.ts";
import { boundedWriter, bytesOf, mostBufferedBytes, sendStream } from "./socket-flow.ts";

const talk = endpoint({
  id: "test.talk",
  method: "GET",
  path: "/talk/:name",
  summary: "",
  access: { kind: "anyone" },
  params: z.object({ name: z.string() }),
  query: z.object({ from: z.coerce.number().int().default(0) }),
  result: { raw: "socket", mediaType: "application/octet-stream" },
  status: 200,
});
const echo = endpoint({
  id: "test.echo",
  method: "POST",
  path: "/echo",
  summary: "",
  access: { kind: "anyone" },
  body: z.object({ text: z.string() }),
  result: z.object({ text: z.string() }),
  status: 200,
});

let app: ReturnType<typeof createServer>;
let url: string;
let take: TakeSocket;
let asked: unknown[];
beforeEach(async () => {
  asked = [];
  take = (socket) => socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  app = createServer({ log: silentLog() });
  const guard = async (_shape: unknown, request: { readonly headers: { readonly authorization?: string | undefined } }): Promise<string> => {
    if (request.headers.authorization !== "Bearer good") throw new Failure("not_signed_in");
    return "somebody";
  };
  mountSocket({ app, guard }, talk, async ({ params, query, caller }) => {
    asked.push({ params, query, caller });
    if (params.name === "full") throw new Failure("machine_full");
    return take;
  });
  mount({ app, guard: async () => undefined }, echo, async ({ body }) => body);
  url = await app.listen({ host: "127.0.0.1", port: 0 });
});
afterEach(() => app.close());

const at = (token: string) => ({ baseUrl: url, token: () => token, peer: "test" });

test("a socket opens for whom the guard knows, with what was asked parsed", async () => {
  const socket = await openSocket(at("good"), talk, { params: { name: "a b" }, query: { from: 7 } });
  const answer = once(socket, "message");
  socket.resume();
  socket.send("hello");
  const [data] = await answer;
  expect(String(data)).toBe("hello");
  expect(asked).toEqual([{ params: { name: "a b" }, query: { from: 7 }, caller: "somebody" }]);
  socket.close();
});

test("a socket that is refused, or ended, listens to its signal no more", async () => {
  const { signal } = new AbortController();
  await expect(openSocket(at("good"), talk, { params: { name: "full" }, signal })).rejects.toMatchObject({ code: "machine_full" });
  expect(getEventListeners(signal, "abort")).toEqual([]);
  const socket = await openSocket(at("good"), talk, { params: { name: "x" }, signal });
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  socket.close();
  socket.resume();
  await once(socket, "close");
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("what comes right with the answer waits until somebody listens", async () => {
  take = (socket) => socket.send("first");
  const socket = await openSocket(at("good"), talk, { params: { name: "x" } });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const message = once(socket, "message");
  socket.resume();
  expect(String((await message)[0])).toBe("first");
  socket.close();
});

test.each([
  ["the guard", "bad", "x", "not_signed_in"],
  ["the handler", "good", "full", "machine_full"],
])("a refusal of %s is an ordinary problem document, and nothing is upgraded", async (_who, token, name, code) => {
  await expect(openSocket(at(token), talk, { params: { name } })).rejects.toMatchObject({ code });
});

test("a process that does not answer is away", async () => {
  await app.close();
  await expect(openSocket(at("good"), talk, { params: { name: "x" } })).rejects.toMatchObject({ code: "component_away", details: { component: "test" } });
});

test("without an upgrade the guard answers first, then the address says what it speaks", async () => {
  expect((await fetch(`${url}/talk/x`)).status).toBe(401);
  const answer = await fetch(`${url}/talk/x`, { headers: { authorization: "Bearer good" } });
  expect([answer.status, await answer.json()]).toMatchObject([426, { code: "socket_expected" }]);
});

test("an upgrade of another endpoint, or to another protocol, gets the ordinary answer", async () => {
  for (const protocol of ["h2c", "websocket"]) {
    const sent = httpRequest(`${url}/healthz`, { headers: { connection: "Upgrade", upgrade: protocol } }).end();
    const [answer] = await once(sent, "response");
    expect(answer.statusCode).toBe(200);
    answer.resume();
  }
  const body = JSON.stringify({ text: "kept" });
  const sent = httpRequest(`${url}/echo`, { method: "POST", headers: { connection: "Upgrade", upgrade: "h2c", "content-type": "application/json" } }).end(body);
  const [answer] = await once(sent, "response");
  let text = "";
  for await (const chunk of answer) text += String(chunk);
  expect(text).toBe(body);
});

test("a message beyond the limit ends the socket, not the process", async () => {
  const socket = await openSocket(at("good"), talk, { params: { name: "x" } });
  socket.resume();
  socket.send(Buffer.alloc(maxMessageBytes + 1));
  const [code] = await once(socket, "close");
  expect(code).toBe(1009);
  await (await openSocket(at("good"), talk, { params: { name: "x" } })).close();
});

test("sockets that are open when the server closes are told so", async () => {
  const socket = await openSocket(at("good"), talk, { params: { name: "x" } });
  socket.resume();
  const closed = once(socket, "close");
  await app.close();
  expect((await closed)[0]).toBe(1001);
});

test("a source is read no faster than the other side reads", async () => {
  const source = new PassThrough({ highWaterMark: 64 * 1024 });
  let most = 0;
  take = (socket) => {
    void sendStream(socket, source, (bytes) => bytes);
    source.on("data", () => {
      most = Math.max(most, socket.bufferedAmount);
    });
  };
  const socket = await openSocket(at("good"), talk, { params: { name: "x" } });
  const piece = Buffer.alloc(64 * 1024, 1);
  let written = 0;
  // Nobody reads: the kernel's buffers and ours fill up.
  while (written < 64 * 1024 * 1024 && source.write(piece)) {
    written += piece.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(written).toBeLessThan(32 * 1024 * 1024);
  expect(most).toBeLessThan(mostBufferedBytes + 2 * piece.length);
  const expected = written + piece.length;
  let received = 0;
  const all = new Promise<void>((resolve) =>
    socket.on("message", (data) => {
      received += bytesOf(data).length;
      if (received === expected) resolve();
    }),
  );
  socket.resume();
  await all;
  socket.close();
});

test("a socket is read no faster than its target takes", async () => {
  const target = new PassThrough({ highWaterMark: 1024 });
  let server: WebSocket | null = null;
  take = (socket) => {
    server = socket;
    const write = boundedWriter(socket, target);
    socket.on("message", (data) => write(bytesOf(data)));
  };
  const socket = await openSocket(at("good"), talk, { params: { name: "x" } });
  socket.resume();
  for (let index = 0; index < 100; index += 1) socket.send(Buffer.alloc(64 * 1024));
  await expect.poll(() => server?.isPaused).toBe(true);
  expect(target.writableLength).toBeLessThan(1024 * 1024);
  let received = 0;
  target.on("data", (chunk: Buffer) => {
    received += chunk.length;
  });
  await expect.poll(() => received, { timeout: 10_000 }).toBe(100 * 64 * 1024);
  socket.close();
});
