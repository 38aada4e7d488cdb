import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { endpoint } from "#contract/endpoint.ts";
import { Failure } from "#contract/failure.ts";
import { silentLog } from "../log.ts";
import { mount } from "./mount.ts";
import { createServer, type ServerLimits } from "./server.ts";

const upload = endpoint({
  id: "test.upload",
  method: "PUT",
  path: "/upload",
  summary: "",
  access: { kind: "anyone" },
  body: { raw: "bytes", mediaType: "application/octet-stream" },
  status: 204,
});
const read = endpoint({
  id: "test.read",
  method: "GET",
  path: "/things/:name",
  summary: "",
  access: { kind: "anyone" },
  params: z.object({ name: z.string() }),
  result: z.object({ name: z.string() }),
  status: 200,
});

const session = endpoint({
  id: "test.session",
  method: "POST",
  path: "/session",
  summary: "",
  access: { kind: "anyone" },
  body: z.object({ name: z.string() }),
  result: z.object({ name: z.string() }),
  status: 200,
});

const patience = { timeout: 20_000 };
let app: ReturnType<typeof createServer>;
let url: string;
beforeEach(async () => {
  app = createServer({ log: silentLog() });
  const guard = async (): Promise<undefined> => undefined;
  mount({ app, guard }, upload, async ({ stream }): Promise<undefined> => {
    // As fetch leaves it when the orchestrator refuses what is being passed on: begun, and still listened to.
    await new Promise<void>((resolve) => stream.on("readable", resolve));
    stream.read(10);
    throw new Failure("quota_exceeded", { detail: "full" });
  });
  mount({ app, guard }, read, async ({ params }) => ({ name: params.name }));
  url = await app.listen({ host: "127.0.0.1", port: 0 });
});
afterEach(() => app.close());

test("a refusal in the middle of an upload leaves the connection fit for the next request", async () => {
  const head = "PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 3000000\r\n\r\n";
  const next = "GET /things/next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  const answers = await conversation([head, Buffer.alloc(3_000_000), next]);
  expect(answers).toContain("HTTP/1.1 507");
  expect(answers).toContain('{"name":"next"}');
});

test.for([
  ["a sign that is none", "/things/%zz"],
  ["bytes that are no text", "/things/%FF%FE"],
  ["a part that is too long", `/things/${"x".repeat(6000)}`],
] as const)("an address with %s gets a problem document", async ([, path]) => {
  const answer = await conversation([`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`]);
  expect(answer).toContain("HTTP/1.1 400");
  expect(answer).toContain("application/problem+json");
  expect(answer).toContain('"code":"path_invalid"');
});

test("a file whose type is JSON is an upload like any other, however long", async () => {
  const read = Promise.withResolvers<number>();
  const server = createServer({ log: silentLog() });
  mount({ app: server, guard: async () => undefined }, upload, async ({ stream }): Promise<undefined> => {
    let bytes = 0;
    for await (const chunk of stream) bytes += (chunk as Buffer).length;
    read.resolve(bytes);
  });
  const answer = await server.inject({ method: "PUT", path: "/upload", headers: { "content-type": "application/json" }, payload: Buffer.alloc(100_000) });
  expect([answer.statusCode, await read.promise]).toEqual([204, 100_000]);
});

describe("a client that takes its time", () => {
  const head = "POST /session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n";
  const served = async (limits: Partial<ServerLimits>): Promise<AsyncDisposable> => {
    const server = createServer({ log: silentLog(), limits });
    mount({ app: server, guard: async () => undefined }, session, async ({ body }) => ({ name: body.name }));
    mount({ app: server, guard: async () => undefined }, upload, async ({ stream }): Promise<undefined> => {
      for await (const _chunk of stream);
    });
    url = await server.listen({ host: "127.0.0.1", port: 0 });
    return { [Symbol.asyncDispose]: () => server.close() };
  };

  test("hears that its body has stalled, and its connection ends", async () => {
    await using _server = await served({ stallMs: 100 });
    expect(await conversation([`${head}{`])).toMatch(/^HTTP\/1\.1 408 .*application\/problem\+json.*"code":"request_too_slow"/s);
  });

  test("does not hold its connection by a byte now and then either", async () => {
    await using _server = await served({ stallMs: 5_000, bodyMs: 300 });
    expect(await conversation([`${head}{`], { everyMs: 50 })).toMatch(/^HTTP\/1\.1 408 .*"code":"request_too_slow"/s);
  });

  test("may take all its time over an upload", async () => {
    await using _server = await served({ stallMs: 100, bodyMs: 200 });
    const put = "PUT /upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/octet-stream\r\nContent-Length: 10\r\n\r\n";
    expect(await conversation([put], { everyMs: 50, times: 10 })).toContain("HTTP/1.1 204");
  });

  test("hears it of a head that never ends, too", async () => {
    await using _server = await served({ headMs: 100 });
    expect(await conversation(["GET /things/x HTTP/1.1\r\nHost: x\r\nX-Slow: "])).toMatch(/^HTTP\/1\.1 408 .*"code":"request_too_slow"/s);
  });
});

describe("more connections than a server has files for", () => {
  test("are told so, until there are fewer; who asks how it is gets an answer", async () => {
    const server = createServer({ log: silentLog(), limits: { connections: 2 } });
    mount({ app: server, guard: async () => undefined }, read, async ({ params }) => ({ name: params.name }));
    url = await server.listen({ host: "127.0.0.1", port: 0 });
    const { hostname, port } = new URL(url);
    const held = await Promise.all(
      [1, 2].map(async () => {
        const socket = connect(Number(port), hostname);
        await once(socket, "connect");
        socket.write("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ");
        return socket;
      }),
    );
    await expect.poll(() => new Promise((resolve) => server.server.getConnections((_, count) => resolve(count))), patience).toBe(2);
    const ask = (path: string): Promise<string> => conversation([`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`]);
    expect(await ask("/things/x")).toMatch(/^HTTP\/1\.1 503 .*retry-after: 5.*"code":"server_busy"/s);
    expect(await ask("/healthz")).toContain("HTTP/1.1 200");
    held[0]?.destroy();
    await expect.poll(() => ask("/things/x"), patience).toContain("HTTP/1.1 200");
    held[1]?.destroy();
    await server.close();
  });

  test("push out those that wait for their next request", async () => {
    const server = createServer({ log: silentLog(), limits: { connections: 2 } });
    mount({ app: server, guard: async () => undefined }, read, async ({ params }) => ({ name: params.name }));
    url = await server.listen({ host: "127.0.0.1", port: 0 });
    const idle = [1, 2].map(() => conversation(["GET /things/idle HTTP/1.1\r\nHost: x\r\n\r\n"]));
    await expect.poll(() => new Promise((resolve) => server.server.getConnections((_, count) => resolve(count))), patience).toBe(2);
    const ask = (): Promise<string> => conversation(["GET /things/new HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"]);
    await expect.poll(ask, patience).toContain('{"name":"new"}');
    for (const answer of await Promise.all(idle)) expect(answer).toContain('{"name":"idle"}');
    await server.close();
  });
});

test.for([
  ["a head that is too large", `GET / HTTP/1.1\r\nHost: x\r\nX-Big: ${"y".repeat(20_000)}\r\n\r\n`, 431, "head_too_large"],
  ["an address that is too large", `GET /${"y".repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, "head_too_large"],
  ["no HTTP at all", "\u0016\u0003\u0001hello\r\n\r\n", 400, "request_malformed"],
  ["a method that is none", "FETCH / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "request_malformed"],
  ["two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "request_malformed"],
  ["no host", "GET /things/x HTTP/1.1\r\nConnection: close\r\n\r\n", 400, "request_malformed"],
  ["a wish to be connected elsewhere", "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n", 400, "request_malformed"],
  ["a chunk without a length", "PUT /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, "request_malformed"],
] as const)("%s gets a problem document", async ([, sent, status, code]) => {
  const answer = await conversation([sent]);
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  expect(head.toLowerCase()).toContain("content-type: application/problem+json");
  expect(JSON.parse(body)).toMatchObject({ status, code, title: expect.not.stringContaining("?") });
});

test.for([
  ["nobody's word", false, {}, "127.0.0.1"],
  ["a client's own word, where no proxy is before us", false, { "x-forwarded-for": "192.0.2.1" }, "127.0.0.1"],
  ["the word of the proxy before us", true, { "x-forwarded-for": "192.0.2.1" }, "192.0.2.1"],
  ["the last entry, which the proxy added to what the client had made up", true, { "x-forwarded-for": "spoofed, 198.51.100.7, 192.0.2.1" }, "192.0.2.1"],
  ["the proxy itself when it says nothing", true, {}, "127.0.0.1"],
] as const)("a visitor's address is %s", async ([, trustProxy, headers, address]) => {
  const server = createServer({ log: silentLog(), trustProxy });
  server.get("/who", async (request) => request.ip);
  expect((await server.inject({ path: "/who", headers, remoteAddress: "127.0.0.1" })).body).toBe(address);
});

/** Everything that comes back on one connection until it closes; a single byte follows every so often. */
function conversation(sent: readonly (string | Buffer)[], drip?: { readonly everyMs: number; readonly times?: number }): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    for (const piece of sent) socket.write(piece);
    let left = drip?.times ?? Number.POSITIVE_INFINITY;
    const dripping = setInterval(() => {
      left -= 1;
      if (left >= 0) socket.write(" ");
    }, drip?.everyMs ?? 1_000_000);
    socket.once("close", () => clearInterval(dripping));
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    socket.once("end", () => resolve(text)).once("error", reject);
  });
}
