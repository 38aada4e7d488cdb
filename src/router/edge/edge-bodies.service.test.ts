import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from "node:http2";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Duplex } from "node:stream";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { edgeMissing, type HostedProgram, type SiteHost, startEdgeRouter, startHostedProgram, takeSiteHost } from "../../../test/support/edge-router.ts";
import { aRoute, putFile, type RouterHarness } from "../../../test/support/router-harness.ts";
import { exchangeRaw, freePort } from "../../../test/support/site-program.ts";

const run = promisify(execFile);
const missing = edgeMissing() ?? (spawnSync("openssl", ["version"]).error === undefined ? null : "openssl is not installed");
const limit = 200_000;
const app = aRoute({ siteId: 8, name: "app", requestBodyBytes: limit });
const pages = aRoute({ siteId: 105, name: "pages", kind: "static", requestBodyBytes: limit });

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** What the program tells of one request. */
interface Told {
  readonly method: string;
  readonly bytes: number;
  readonly isDirect: boolean;
}

describe.skipIf(missing !== null)(`Bodies at HAProxy${missing === null ? "" : ` (${missing})`}`, { timeout: 60_000 }, () => {
  let folder: string;
  let host: SiteHost;
  let program: HostedProgram;
  let router: RouterHarness;
  let dial: () => ClientHttp2Session;
  let session: ClientHttp2Session;
  /** The bytes of each body that has come to the program, ended or not. */
  let bodies: { bytes: number }[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "backlot-bodies-"));
    const [key, certificate] = [path.join(folder, "key"), path.join(folder, "certificate")];
    const subject = ["-subj", "/CN=app.localhost", "-addext", "subjectAltName=DNS:app.localhost"];
    await run("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate, ...subject]);
    const certificates = path.join(folder, "certificates");
    await run("mkdir", [certificates]);
    await writeFile(path.join(certificates, "app.pem"), `${await readFile(certificate, "utf8")}${await readFile(key, "utf8")}`, { mode: 0o600 });
    const ca = await readFile(certificate);
    host = takeSiteHost();
    program = await startHostedProgram(host.address, (req, res) => {
      const body = { bytes: 0 };
      bodies.push(body);
      req.on("data", (chunk: Buffer) => {
        body.bytes += chunk.length;
      });
      const isDirect = req.headers["x-backlot-address"] !== undefined;
      req.on("end", () => res.end(JSON.stringify({ method: req.method, bytes: body.bytes, isDirect })));
    });
    const port = await freePort();
    const environment = { BACKLOT_EDGE_TLS_FOLDER: certificates, BACKLOT_EDGE_TLS_PORT: String(port), BACKLOT_EDGE_HEAD_MS: "5000" };
    router = await startEdgeRouter([app, pages], { environment });
    router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
    await putFile(router, 105, "public/index.html", "hello");
    dial = () => connect(`https://127.0.0.1:${port}`, { ca, servername: "app.localhost" });
    session = dial();
    await vi.waitFor(async () => expect(told(await ended(open({}))).isDirect).toBe(true), { timeout: 30_000 });
  }, 60_000);
  afterAll(async () => {
    session?.destroy();
    await router?.[Symbol.asyncDispose]();
    await program?.stop();
    host?.[Symbol.dispose]();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });
  beforeEach(() => {
    bodies = [];
    session.destroy();
    session = dial();
  });

  /** Asks by HTTP/2, and may go on with a body. */
  const open = (fields: OutgoingHttpHeaders, hasBody = false): ClientHttp2Stream => {
    const stream = session.request({ ":authority": "app.localhost", ":path": "/", ...fields }, { endStream: !hasBody });
    // What is refused in the middle of its body may be cut off after the answer.
    stream.on("error", () => undefined);
    return stream;
  };
  const ended = async (stream: ClientHttp2Stream): Promise<Answer> => {
    const [headers] = (await once(stream, "response")) as [{ readonly ":status": number }];
    let text = "";
    for await (const chunk of stream) text += String(chunk);
    return { status: headers[":status"], text };
  };
  const told = ({ status, text }: Answer): Told => {
    expect([status, text.slice(0, 1)]).toEqual([200, "{"]);
    return JSON.parse(text) as Told;
  };
  const sent = (fields: OutgoingHttpHeaders, body: string): Promise<Answer> => {
    const stream = open(fields, true);
    stream.end(body);
    return ended(stream);
  };
  const most = (): number => Math.max(0, ...bodies.map(({ bytes }) => bytes));

  test.each([limit + 1, 2 ** 31, 3_000_000_000, 2 ** 32 + 1, 2 ** 33 + 1, "9223372036854775808", "18446744073709551616", "99999999999999999999"])(
    "a body of %s bytes is refused by its length alone",
    async (length) => {
      const head = `POST / HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: ${length}\r\n\r\n`;
      expect(await exchangeRaw(router.door, head, (reply) => reply.includes("\r\n\r\n"))).toMatch(/^HTTP\/1\.1 (?:413|400) /);
      expect(bodies).toEqual([]);
    },
  );

  test("by HTTP/2, too, a length of more than 32 bits is refused", async () => {
    expect((await ended(open({ ":method": "POST", "content-length": 2 ** 32 + 1 }, true))).status).toBe(413);
    expect(bodies).toEqual([]);
  });

  test.each(["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "GET", "QUERY"])("by HTTP/2 a %s whose body has no length is counted", async (method) => {
    expect(told(await sent({ ":method": method }, "x".repeat(100_000)))).toEqual({ method, bytes: 100_000, isDirect: false });
    expect((await sent({ ":method": method }, "x".repeat(limit + 50_000))).status).toBe(413);
    expect(most()).toBeLessThanOrEqual(limit);
  });

  test("by HTTP/2 what has no body, or one of known length within the limit, goes straight to the program", async () => {
    for (const method of ["GET", "DELETE", "OPTIONS"]) expect(told(await ended(open({ ":method": method })))).toEqual({ method, bytes: 0, isDirect: true });
    expect((await ended(open({ ":method": "HEAD" }))).status).toBe(200);
    const body = "x".repeat(limit);
    expect(told(await sent({ ":method": "POST", "content-length": limit }, body))).toEqual({ method: "POST", bytes: limit, isDirect: true });
    // It is said late that nothing comes, but it is said.
    expect(told(await sent({ ":method": "GET" }, ""))).toMatchObject({ bytes: 0 });
  });

  test("by HTTP/2 a body that begins late is no way past the limit, and one that never begins is not waited for", async () => {
    const late = open({ ":method": "GET" }, true);
    // Somebody else's answer: HAProxy has read the head.
    await ended(open({}));
    late.end("x".repeat(limit + 50_000));
    expect((await ended(late)).status).toBe(413);
    expect((await ended(open({ ":method": "GET" }, true))).status).toBe(408);
    expect(most()).toBeLessThanOrEqual(limit);
  });

  test.each([3_000, 6_000, 12_000, 14_500, 15_080, 15_120])("by HTTP/2 a head of %d bytes hides no body", async (length) => {
    const [much, at] = [{ "x-much": "y".repeat(length) }, { ":path": `/${"y".repeat(length)}` }];
    const filled: OutgoingHttpHeaders[] = [much, at, { "x-much": "y".repeat(length / 2), ":path": `/${"y".repeat(length / 2)}` }];
    for (const fields of filled) {
      const stream = open({ ":method": "GET", ...fields }, true);
      // HAProxy has seen the head by itself.
      await ended(open({}));
      stream.end("x".repeat(limit + 50_000));
      expect([400, 413, 431]).toContain((await ended(stream)).status);
      expect(most()).toBeLessThanOrEqual(limit);
    }
  });

  test("by HTTP/2 files come from nginx, and whoever sends it a body of unknown length comes to the router", async () => {
    const at = { ":authority": "pages.localhost", ":method": "GET" };
    expect(await ended(open(at))).toEqual({ status: 200, text: "hello" });
    expect((await sent(at, "x".repeat(limit + 50_000))).status).toBeGreaterThanOrEqual(200);
  });

  test("by HTTP/2 a WebSocket goes straight to the program, and back", async () => {
    let isDirect = false;
    program.server.once("upgrade", (req: IncomingMessage, socket: Duplex) => {
      isDirect = req.headers["x-backlot-address"] !== undefined;
      socket.on("error", () => socket.destroy());
      // HAProxy has made up the key, which HTTP/2 has not, and looks at what is made of it.
      const accept = createHash("sha1").update(`${req.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
      socket.pipe(socket);
    });
    await once(session, "remoteSettings");
    const stream = open({ ":method": "CONNECT", ":protocol": "websocket", "sec-websocket-version": "13" }, true);
    const [headers] = (await once(stream, "response")) as [{ readonly ":status": number }];
    stream.write("hello");
    expect([headers[":status"], String((await once(stream, "data"))[0]), isDirect]).toEqual([200, "hello", true]);
    stream.close();
  });

  test("by HTTP/2 nobody is connected through to elsewhere", async () => {
    const stream = session.request({ ":method": "CONNECT", ":authority": "app.localhost" });
    stream.on("error", () => undefined);
    const [headers] = (await once(stream, "response")) as [{ readonly ":status": number }];
    expect(headers[":status"]).toBeGreaterThanOrEqual(400);
    stream.close();
    expect(bodies).toEqual([]);
  });
});
