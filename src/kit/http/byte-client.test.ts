import { createServer, type Server } from "node:net";
import { Readable } from "node:stream";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { endpoint } from "#contract/endpoint.ts";
import { Failure } from "#contract/failure.ts";
import { ByteClient } from "./byte-client.ts";
import { createServer as createHttp } from "./server.ts";

const access = { kind: "anyone" } as const;
const bytes = { raw: "bytes", mediaType: "application/octet-stream" } as const;
const get = endpoint({
  id: "a.get",
  method: "GET",
  path: "/bytes",
  summary: "",
  access,
  query: z.object({ size: z.coerce.number() }),
  result: bytes,
  status: 200,
});
const put = endpoint({
  id: "a.put",
  method: "PUT",
  path: "/bytes",
  summary: "",
  access,
  body: bytes,
  result: z.object({ size: z.number(), length: z.string() }),
  status: 200,
});
const refuse = endpoint({ id: "a.refuse", method: "PUT", path: "/refuse", summary: "", access, body: bytes, status: 204 });
const say = endpoint({
  id: "a.say",
  method: "POST",
  path: "/say",
  summary: "",
  access,
  body: z.object({ text: z.string() }),
  result: z.object({ text: z.string(), port: z.number() }),
  status: 200,
});

const pattern = (size: number): Buffer => Buffer.from(Uint8Array.from({ length: size }, (_, at) => (at * 31 + (at >> 8)) & 255));
let app: ReturnType<typeof createHttp>;
let client: ByteClient;
let ended: string[];
let plain: Server | undefined;

beforeEach(async () => {
  ended = [];
  app = createHttp({ log: pino({ level: "silent" }) });
  app.get("/bytes", async (request, reply) => {
    const size = Number((request.query as { size: string }).size);
    return reply
      .header("content-length", size)
      .type("application/octet-stream")
      .send(Readable.from(inPieces(pattern(size), 50_000)));
  });
  app.put("/bytes", async (request) => {
    let sum = 0;
    try {
      for await (const piece of request.raw) {
        if (sum === 0) ended.push("begun");
        sum += piece.length;
      }
    } catch {
      ended.push("cut off");
    }
    return { size: sum, length: request.headers["content-length"] ?? "chunked" };
  });
  app.put("/refuse", async () => {
    throw new Failure("quota_exceeded", { detail: "no" });
  });
  app.post("/say", async (request) => ({ text: (request.body as { text: string }).text, port: request.raw.socket.remotePort ?? 0 }));
  client = new ByteClient({ baseUrl: await app.listen({ host: "127.0.0.1", port: 0 }), peer: "orchestrator" });
});
afterEach(async () => {
  await app.close();
  plain?.close();
  plain = undefined;
});

function* inPieces(all: Buffer, length: number): Generator<Buffer> {
  for (let at = 0; at < all.length; at += length) yield all.subarray(at, at + length);
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "done",
    (error: unknown) => (error instanceof Failure ? error.code : String(error)),
  );

test("a connection goes on after an answer that refuses", async () => {
  const none = endpoint({ id: "a.none", method: "GET", path: "/none", summary: "", access, status: 204 });
  const { port } = await client.call(say, { body: { text: "before" } });
  for (let time = 0; time < 3; time += 1) await expect(client.call(none, {})).rejects.toMatchObject({ code: "not_found" });
  expect((await client.call(say, { body: { text: "after" } })).port).toBe(port);
});

test("calls one after another go over one connection, several at once over several", async () => {
  const ask = (text: string) => client.call(say, { body: { text } });
  const [first, second] = [await ask("é"), await ask("b")];
  expect([first.text, second.text, second.port]).toEqual(["é", "b", first.port]);
  const crowd = await Promise.all(["1", "2", "3"].map(ask));
  expect([crowd.map(({ text }) => text), new Set(crowd.map(({ port }) => port)).size]).toEqual([["1", "2", "3"], 3]);
});

test.each([0, 1, 16_384, 65_537, 3_000_000])("%i bytes arrive as they are, in pieces and by a sink that is slow to be done", async (size) => {
  const pieces: Buffer[] = [];
  const body = await client.read(get, { query: { size } });
  for (let piece = await body.next(); piece !== null; piece = await body.next()) pieces.push(Buffer.from(piece));
  expect(Buffer.concat(pieces).equals(pattern(size))).toBe(true);
  const seen: Buffer[] = [];
  let most = 0;
  let underWay = 0;
  await (await client.read(get, { query: { size } })).flow((piece, done) => {
    underWay += 1;
    most = Math.max(most, underWay);
    // Read only when it is done with: the buffer has to be its own until then.
    setImmediate(() => {
      seen.push(Buffer.from(piece));
      underWay -= 1;
      done();
    });
  });
  await expect.poll(() => underWay).toBe(0);
  expect([Buffer.concat(seen).equals(pattern(size)), most <= 2]).toEqual([true, true]);
});

test("a short body goes out whole with its length, a long one in chunks, an empty one as nothing", async () => {
  const send = (pieces: Iterable<Buffer>) => client.call(put, { body: Readable.from(pieces, { objectMode: false }) });
  expect(await send([Buffer.from("abc")])).toEqual({ size: 3, length: "3" });
  expect(await send(inPieces(pattern(3_000_000), 60_000))).toEqual({ size: 3_000_000, length: "chunked" });
  expect(await send([])).toEqual({ size: 0, length: "0" });
});

test("a source that fails ends the request, and its own error is what the caller gets", async () => {
  const broken = async function* () {
    yield pattern(100_000);
    await expect.poll(() => ended).toEqual(["begun"]);
    throw new RangeError("the source broke");
  };
  await expect(client.call(put, { body: broken() })).rejects.toThrow(new RangeError("the source broke"));
  await expect.poll(() => ended).toEqual(["begun", "cut off"]);
});

test("a body that is refused is not sent to its end, and the next call works", async () => {
  const endless = async function* () {
    while (true) yield pattern(60_000);
  };
  expect(await codeOf(client.call(refuse, { body: endless() }))).toBe("quota_exceeded");
  expect((await client.call(say, { body: { text: "on" } })).text).toBe("on");
});

test("an answer that is not wanted any more is given up, and so is one whose caller ends the call", async () => {
  const abort = new AbortController();
  const body = await client.read(get, { query: { size: 3_000_000 }, signal: abort.signal });
  expect((await body.next())?.length).toBeGreaterThan(0);
  abort.abort(new Error("enough"));
  await expect(async () => {
    while ((await body.next()) !== null);
  }).rejects.toThrow("enough");
});

test("a connection that was closed while it was idle is not noticed by who reads", async () => {
  await client.call(say, { body: { text: "a" } });
  app.server.closeIdleConnections();
  expect((await client.read(get, { query: { size: 10 } })).length).toBe(10);
});

test.each([
  ["nothing at all", ""],
  ["half a head", "HTTP/1.1 200 OK\r\nconte"],
  ["no length", "HTTP/1.1 200 OK\r\n\r\nabc"],
  ["a length that is none", "HTTP/1.1 200 OK\r\ncontent-length: 1e3\r\n\r\nabc"],
  ["chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["more than its length", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nabc"],
  ["less than its length", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"],
  ["another protocol", "SSH-2.0-nobody\r\n\r\n"],
  ["a head without end", `HTTP/1.1 200 OK\r\nx: ${"y".repeat(40_000)}`],
])("an answer with %s is none", async (_what, text) => {
  plain = createServer((socket) => socket.once("data", () => socket.end(text)).on("error", () => undefined)).listen(0, "127.0.0.1");
  await new Promise((resolve) => plain?.once("listening", resolve));
  const address = plain.address();
  const stranger = new ByteClient({ baseUrl: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`, peer: "orchestrator" });
  expect(await codeOf(stranger.call(say, { body: { text: "?" } }))).toBe("component_away");
});
