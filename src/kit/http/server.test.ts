import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { endpoint } from "#contract/endpoint.ts";
import { Failure } from "#contract/failure.ts";
import { silentLog } from "../log.ts";
import { mount } from "./mount.ts";
import { createServer } from "./server.ts";

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

/** Everything that comes back on one connection until it closes. */
function conversation(sent: readonly (string | Buffer)[]): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    for (const piece of sent) socket.write(piece);
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    socket.once("end", () => resolve(text)).once("error", reject);
  });
}
