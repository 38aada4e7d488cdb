import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, request } from "node:http";
import { type AddressInfo, createConnection } from "node:net";
import { networkInterfaces } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { edgeMissing, type HostedProgram, type SiteHost, startEdgeRouter, startHostedProgram, takeSiteHost } from "../../../test/support/edge-router.ts";
import { aRoute, putFile, type RouterHarness } from "../../../test/support/router-harness.ts";
import { exchangeRaw, freePort, until } from "../../../test/support/site-program.ts";
import { edgeUser, prepareRunFolder } from "./run-folder.ts";

const missing = edgeMissing();
const app = aRoute({ siteId: 8, name: "app" });
const files = aRoute({ siteId: 105, name: "files", kind: "static", hosts: ["files.localhost", "also-files.localhost"] });
const others = aRoute({ siteId: 106, name: "others", kind: "static" });

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | undefined;
}

describe.skipIf(missing !== null)(`Limits of the edge${missing === null ? "" : ` (${missing})`}`, { timeout: 60_000 }, () => {
  let host: SiteHost;
  let program: HostedProgram;
  let router: RouterHarness;
  let behindBalancer: RouterHarness;
  let statistics: number;
  const finish = Promise.withResolvers<void>();
  const managers: { readonly name: string; readonly port: number; isReady: boolean; readonly close: () => void }[] = [];
  const lines: string[] = [];
  const logServer = createSocket("udp4");

  /** Asks from one of the many addresses of loopback: each is another visitor to HAProxy. */
  const from = (
    localAddress: string,
    over: { readonly host?: string; readonly path?: string; readonly headers?: Record<string, string> } = {},
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(router.door);
      const headers = { host: over.host ?? "app.localhost", ...over.headers };
      const asked = request({ hostname, port, localAddress, path: over.path ?? "/", agent: false, headers }, async (response) => {
        let text = "";
        for await (const chunk of response) text += String(chunk);
        resolve({ status: response.statusCode ?? 0, text, retryAfter: response.headers["retry-after"] });
      });
      asked.on("error", reject);
      asked.end();
    });

  let addresses = 0;
  /** The last part of an address of IPv6 that nobody has used. */
  const next = (): string => {
    addresses += 1;
    return addresses.toString(16);
  };

  const startManager = async (name: string): Promise<void> => {
    const server = createServer((req, res) => {
      if (req.url === "/readyz") res.statusCode = managers.find((manager) => manager.name === name)?.isReady === true ? 200 : 503;
      res.end(req.url === "/forwarded" ? String(req.headers["x-forwarded-for"]) : name);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    managers.push({ name, port: (server.address() as AddressInfo).port, isReady: true, close: () => void server.close() });
  };

  beforeAll(async () => {
    host = takeSiteHost();
    logServer.on("message", (message) => lines.push(String(message)));
    logServer.bind(0, "127.0.0.1");
    [program] = await Promise.all([
      startHostedProgram(host.address, (req, res) => {
        res.statusCode = req.url?.startsWith("/broken") === true ? 500 : 200;
        const answer = (): void => void res.end(JSON.stringify(req.headers));
        if (req.url === "/slow") void finish.promise.then(answer);
        else answer();
      }),
      startManager("first"),
      startManager("second"),
      once(logServer, "listening"),
    ]);
    statistics = await freePort();
    const environment = {
      BACKLOT_EDGE_STATISTICS_PORT: String(statistics),
      BACKLOT_EDGE_VISITOR_REQUESTS: "60",
      BACKLOT_EDGE_VISITOR_CONNECTIONS: "20",
      BACKLOT_EDGE_HEAD_MS: "700",
      BACKLOT_ROUTER_SITE_REQUESTS: "5",
      BACKLOT_EDGE_MANAGERS: managers.map(({ port }) => `127.0.0.1:${port}`).join(","),
      BACKLOT_PUBLIC_URL: "https://dashboard.example.org",
      BACKLOT_EDGE_LOG_SERVER: `udp://127.0.0.1:${logServer.address().port}`,
      BACKLOT_ROUTER_TRUSTED_PROXIES: "127.0.0.9",
    };
    [router, behindBalancer] = await Promise.all([
      startEdgeRouter([app, files, others], { environment }),
      startEdgeRouter([app], {
        environment: { BACKLOT_EDGE_PROXY_PROTOCOL: "true", BACKLOT_EDGE_VISITOR_REQUESTS: "60", BACKLOT_EDGE_VISITOR_CONNECTIONS: "20" },
      }),
    ]);
    for (const one of [router, behindBalancer]) one.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  }, 60_000);
  afterAll(async () => {
    await Promise.all([router?.[Symbol.asyncDispose](), behindBalancer?.[Symbol.asyncDispose]()]);
    finish.resolve();
    for (const manager of managers) manager.close();
    logServer.close();
    await program?.stop();
    host?.[Symbol.dispose]();
  });

  test("who asks too often is told to wait, and nobody else is", async () => {
    const statuses = new Set<number>();
    await expect
      .poll(async () => statuses.add((await from("127.0.0.2", { headers: { accept: "text/html" } })).status).has(429), { timeout: 30_000, interval: 1 })
      .toBe(true);
    expect([...statuses]).toEqual([200, 429]);
    expect((await from("127.0.0.3")).status).toBe(200);
    // An address behind a trusted proxy counts by itself.
    expect((await from("127.0.0.9", { headers: { "x-forwarded-for": "203.0.113.9" } })).status).toBe(200);
  });

  test("who opens too many connections gets no more, and nobody else is held up; headers that never end are not waited for", async () => {
    const { hostname, port } = new URL(router.door);
    const sockets = Array.from({ length: 40 }, () => {
      const socket = createConnection({ host: hostname, port: Number(port), localAddress: "127.0.0.4" });
      socket.on("error", () => socket.destroy());
      return socket;
    });
    let text = "";
    for (const socket of sockets) {
      socket.on("data", (chunk: Buffer) => {
        text += String(chunk);
      });
      socket.write("GET / HTTP/1.1\r\nHost: app.localhost\r\nX-Slow: ");
    }
    await until(() => sockets.filter((socket) => socket.destroyed).length >= 20, "the connections above the limit are closed");
    expect((await from("127.0.0.5")).status).toBe(200);
    await until(() => sockets.every((socket) => socket.destroyed), "the slow ones are closed");
    expect(text).toContain("HTTP/1.1 408");
  });

  test("a trusted proxy is believed what it says of the visitor, nobody else is", async () => {
    const headers = { "x-forwarded-for": "203.0.113.7", "x-forwarded-proto": "https" };
    await expect
      .poll(async () => (JSON.parse((await from("127.0.0.9", { headers })).text) as Record<string, string>)["x-backlot-address"], { timeout: 20_000 })
      .toBeDefined();
    expect(JSON.parse((await from("127.0.0.9", { headers })).text)).toMatchObject({
      "x-forwarded-for": "203.0.113.7, 127.0.0.9",
      "x-real-ip": "203.0.113.7",
      "x-forwarded-proto": "https",
    });
    expect(JSON.parse((await from("127.0.0.6", { headers })).text)).toMatchObject({
      "x-forwarded-for": "127.0.0.6",
      "x-real-ip": "127.0.0.6",
      "x-forwarded-proto": "http",
    });
  });

  test("a site that works on as many requests as it may gets no more: HAProxy says when to come again", async () => {
    const ask = (path: string): Promise<Answer> => from("127.0.0.10", { path });
    await expect.poll(async () => (await ask("/")).text, { timeout: 60_000, interval: 500 }).toContain('"x-backlot-address"');
    const slow = Array.from({ length: 5 }, () => ask("/slow"));
    await until(() => program.busy() === 5, "the program works on five");
    const page = await readFile(path.join(await prepareRunFolder(router.data, edgeUser(undefined)), "errors/busy.html"), "utf8");
    expect(await ask("/slow")).toEqual({ status: 503, text: page, retryAfter: "5" });
    expect(program.busy()).toBe(5);
    finish.resolve();
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    await expect.poll(async () => (await ask("/")).status, { timeout: 60_000, interval: 500 }).toBe(200);
  });

  test("a static site's host, too, has no more open than it may, whether it is asked for files or for what the router answers; others go on", async () => {
    // More than the buffers on the way hold.
    await putFile(router, 105, "public/large.bin", Buffer.alloc(48 * 1024 * 1024));
    for (const siteId of [105, 106]) await putFile(router, siteId, "public/index.html", "small");
    const { hostname, port } = new URL(router.door);
    const ask = (name: string, path = "/"): Promise<Answer> => from("127.0.0.11", { host: `${name}.localhost`, path });
    const downloads = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const asked = request({ hostname, port, localAddress: "127.0.0.12", path: "/large.bin", agent: false, headers: { host: "files.localhost" } }).end();
        const [response] = (await once(asked, "response")) as [IncomingMessage];
        return response;
      }),
    );
    expect(downloads.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200, 200]);
    const page = await readFile(path.join(await prepareRunFolder(router.data, edgeUser(undefined)), "errors/busy.html"), "utf8");
    expect(await ask("files")).toEqual({ status: 503, text: page, retryAfter: "5" });
    expect((await ask("FILES", "/a//b")).status).toBe(503);
    expect([await ask("also-files"), await ask("others")].map(({ status, text }) => [status, text])).toEqual([
      [200, "small"],
      [200, "small"],
    ]);
    for (const response of downloads) response.destroy();
    await expect.poll(async () => (await ask("files")).status, { timeout: 60_000, interval: 500 }).toBe(200);
  });

  test("managers share the dashboard's host, and one that is not ready gets nothing", async () => {
    const asked = async (): Promise<string> => (await from("127.0.0.7", { host: "dashboard.example.org" })).text;
    const seen = new Set<string>();
    await expect.poll(async () => seen.add(await asked()).size, { timeout: 20_000, interval: 1 }).toBe(2);
    const [first] = managers;
    if (first !== undefined) first.isReady = false;
    await expect
      .poll(async () => new Set([await asked(), await asked(), await asked(), await asked()]), { timeout: 30_000, interval: 500 })
      .toEqual(new Set(["second"]));
  });

  test("a manager hears of one address, the visitor's as far as it is believed: it trusts HAProxy alone", async () => {
    const heard = async (address: string): Promise<string> =>
      (await from(address, { host: "dashboard.example.org", path: "/forwarded", headers: { "x-forwarded-for": "192.0.2.66, 203.0.113.7" } })).text;
    expect([await heard("127.0.0.9"), await heard("127.0.0.6")]).toEqual(["203.0.113.7", "127.0.0.6"]);
  });

  test("the statistics page tells of every backend, its managers and nginx, on loopback only", async () => {
    const text = await (await fetch(`http://127.0.0.1:${statistics}/;csv`)).text();
    for (const line of ["live,kept,", "static,nginx,", "activator,activator,", "managers,manager1,", "managers,manager2,"]) expect(text).toContain(`\n${line}`);
    expect(text).toMatch(/^static,nginx,.*,UP,/m);
    const others = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).filter(({ internal, family }) => !internal && family === "IPv4"));
    for (const { address } of others) await expect(fetch(`http://${address}:${statistics}/`, { signal: AbortSignal.timeout(3_000) })).rejects.toThrow();
  });

  test("each request is a line of its site's access log and of the log server, a broken answer one of the site's own log; what stands in a query is in none", async () => {
    await expect
      .poll(async () => (await from("127.0.0.8", { path: "/broken?secret=1", headers: { "user-agent": 'a"b\\c\u00e9' } })).status, { timeout: 20_000 })
      .toBe(500);
    const file = path.join(router.data, "logs", "access", "8.log");
    await expect
      .poll(() => readFile(file, "utf8").catch(() => ""), { timeout: 20_000 })
      .toMatch(/^127\.0\.0\.8 - - \[\S+\] "GET \/broken" 500 \d+ "-" "a\\x22b\\x5cc.*" \d+ms$/m);
    await until(() => lines.some((line) => line.includes('"p":"\\/broken"')), "the log server has the line");
    await until(() => router.orchestrator.reports.some(([, line]) => line.includes("500 GET /broken")), "the site's log has it");
    expect(`${await readFile(file, "utf8")}${lines.join()}${router.orchestrator.reports.join()}`).not.toContain("secret=1");
  });

  test("behind a balancer that speaks the PROXY protocol its word is the visitor's address, and without it nobody comes in", async () => {
    const ask = "GET / HTTP/1.1\r\nHost: app.localhost\r\nConnection: close\r\n\r\n";
    expect(await exchangeRaw(behindBalancer.door, `PROXY TCP4 203.0.113.7 127.0.0.1 1000 80\r\n${ask}`)).toContain('"x-forwarded-for":"203.0.113.7"');
    expect(await exchangeRaw(behindBalancer.door, ask)).not.toContain("200");
  });

  test("a network of IPv6 is one visitor, whichever of its addresses asks; addresses of IPv4 in IPv6's clothes are a visitor each", async () => {
    const ask = "GET / HTTP/1.1\r\nHost: app.localhost\r\nConnection: close\r\n\r\n";
    const asked = async (address: string): Promise<string> =>
      (await exchangeRaw(behindBalancer.door, `PROXY TCP6 ${address} 2001:db8::1 1000 80\r\n${ask}`)).slice(9, 12);
    const statuses = new Set<string>();
    await expect.poll(async () => statuses.add(await asked(`2001:db8:1:2::${next()}`)).has("429"), { timeout: 30_000, interval: 1 }).toBe(true);
    expect([...statuses]).toEqual(["200", "429"]);
    expect(await asked("2001:db8:1:3::1")).toBe("200");
    const mapped = await Promise.all(Array.from({ length: 80 }, (_, index) => asked(`::ffff:203.0.113.${index}`)));
    expect(new Set(mapped)).toEqual(new Set(["200"]));
  });

  test("a network of IPv6 opens no more connections than one address of IPv4, and holds up no other", async () => {
    const { hostname, port } = new URL(behindBalancer.door);
    const sockets = Array.from({ length: 40 }, (_, index) => {
      const socket = createConnection({ host: hostname, port: Number(port) });
      socket.on("error", () => socket.destroy()).resume();
      socket.write(`PROXY TCP6 2001:db8:2:2::${index.toString(16)} 2001:db8::1 1000 80\r\n`);
      return socket;
    });
    const open = (): number => sockets.filter((socket) => !socket.destroyed && !socket.readableEnded).length;
    try {
      await expect.poll(open, { timeout: 20_000 }).toBe(20);
      const ask = "GET / HTTP/1.1\r\nHost: app.localhost\r\nConnection: close\r\n\r\n";
      expect(await exchangeRaw(behindBalancer.door, `PROXY TCP6 2001:db8:2:3::1 2001:db8::1 1000 80\r\n${ask}`)).toContain(" 200 ");
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });

  test("behind a trusted proxy, too, a network of IPv6 is one visitor", async () => {
    const asked = (network: string): Promise<number> =>
      from("127.0.0.9", { headers: { "x-forwarded-for": `${network}::${next()}` } }).then(({ status }) => status);
    const statuses = new Set<number>();
    await expect.poll(async () => statuses.add(await asked("2001:db8:3:2")).has(429), { timeout: 30_000, interval: 1 }).toBe(true);
    expect([...statuses]).toEqual([200, 429]);
    expect(await asked("2001:db8:3:3")).toBe(200);
  });

  test("the access log of a site goes with the site, not when it is closed", async () => {
    const file = path.join(router.data, "logs", "access", "8.log");
    const isThere = (): Promise<boolean> =>
      readFile(file).then(
        () => true,
        () => false,
      );
    router.manager.upsert({ ...app, availability: "disabled" });
    await router.settled();
    expect(await isThere()).toBe(true);
    router.manager.remove(8);
    await expect.poll(isThere, { timeout: 20_000 }).toBe(false);
  });
});
