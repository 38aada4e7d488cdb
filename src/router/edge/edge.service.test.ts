import { once } from "node:events";
import { symlink } from "node:fs/promises";
import { Agent, request } from "node:http";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { holdSite, releaseSite, switchSite } from "#contract/internal/router.ts";
import { edgeMissing, type HostedProgram, type SiteHost, startEdgeRouter, startHostedProgram, takeSiteHost } from "../../../test/support/edge-router.ts";
import { type Ask, aRoute, putFile, type Reply, type RouterHarness, visit } from "../../../test/support/router-harness.ts";
import { exchangeRaw, until } from "../../../test/support/site-program.ts";

const missing = edgeMissing();
const app = aRoute({ siteId: 8, name: "app", requestBodyBytes: 200_000 });
const params = { siteId: 8 };

/** What a program was asked, as it tells by itself. */
interface Heard {
  readonly by: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: number;
}

describe.skipIf(missing !== null)(`HAProxy and nginx before the router${missing === null ? "" : ` (${missing})`}`, { timeout: 60_000 }, () => {
  let host: SiteHost;
  let router: RouterHarness;
  let one: HostedProgram;
  let two: HostedProgram;
  let finish = Promise.withResolvers<void>();

  const startTelling = (by: string, port = 0): Promise<HostedProgram> =>
    startHostedProgram(
      host.address,
      (req, res) => {
        let bytes = 0;
        req.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
        });
        req.on("end", async () => {
          if (req.url === "/planted") res.setHeader("Set-Cookie", ["a=1", `${String(req.headers["x-name"])}=planted; Path=/`]);
          if (req.url === "/cookies")
            res.setHeader("Set-Cookie", ["a=1; Path=/; Domain=localhost", "b=2; HttpOnly", "c=3; domain = x; Domain=localhost; DoMaIn =y"]);
          if (req.url === "/slow") {
            res.flushHeaders();
            await finish.promise;
          }
          res.end(JSON.stringify({ by, method: req.method, url: req.url, headers: req.headers, bytes }));
        });
      },
      port,
    );
  const ask = (over: Partial<Ask> = {}): Promise<Reply> => visit(router.door, { host: "app.localhost", ...over });
  const heard = (reply: Reply): Heard => JSON.parse(reply.text) as Heard;
  /** Resolves when HAProxy sends visitors straight to this program. */
  const isDirect = (by: string): Promise<void> => expect.poll(async () => pick(heard(await ask())), { timeout: 20_000 }).toEqual([by, true]);
  const pick = ({ by, headers }: Heard): [string, boolean] => [by, headers["x-backlot-address"] !== undefined];
  const settle = async (program: HostedProgram, instance: string): Promise<void> => {
    await router.admin.call(switchSite, { params, body: { target: { address: program.address, instance } } });
    await isDirect(instance);
  };

  beforeAll(async () => {
    host = takeSiteHost();
    [one, two] = await Promise.all([startTelling("one"), startTelling("two")]);
    const environment = { BACKLOT_ROUTER_STOP_MS: "10000" };
    router = await startEdgeRouter([aRoute({ siteId: 105, name: "pages", kind: "static" }), app], { environment });
    router.orchestrator.onWake = () => ({ address: one.address, instance: "one" });
    await putFile(router, 105, "public/index.html", "<h1>hello</h1>");
    await putFile(router, 105, "public/docs/index.html", "docs");
    await putFile(router, 105, "public/404.html", "own 404");
    await putFile(router, 105, "public/.env", "hush hush");
    const secret = await putFile(router, 105, "private/secret.txt", "hush hush");
    await symlink("docs/index.html", path.join(path.dirname(secret), "../public/inside.html"));
    await symlink("../private/secret.txt", path.join(path.dirname(secret), "../public/outside.txt"));
    await symlink("../../../01/05/private", path.join(path.dirname(secret), "../public/folder"));
  }, 60_000);
  afterAll(async () => {
    finish.resolve();
    await router?.[Symbol.asyncDispose]();
    await one?.stop();
    await two?.stop();
    host?.[Symbol.dispose]();
  });

  test("a sleeping site is woken by the activator and reached past it from then on; whoever is unknown is told so", async () => {
    expect(pick(heard(await ask({ path: "/a?b=c" })))).toEqual(["one", false]);
    await isDirect("one");
    expect(heard(await ask({ path: "/a?b=c" }))).toMatchObject({ method: "GET", url: "/a?b=c", headers: { host: "app.localhost" } });
    expect(router.orchestrator.wakes).toEqual([8]);
    expect((await visit(router.door, { host: "nobody.localhost", headers: { accept: "text/html" } })).text).toContain("There is no site here");
  });

  test("static files come from nginx, links that stay inside public/ from the router, and nothing else does", async () => {
    const get = (at: string, over: Partial<Ask> = {}): Promise<Reply> => visit(router.door, { host: "pages.localhost:8080", path: at, ...over });
    const page = await get("/");
    expect([page.text, page.headers.server, page.headers["content-type"]]).toEqual(["<h1>hello</h1>", undefined, "text/html; charset=utf-8"]);
    // nginx' own tag: seconds and length. The router's has three parts.
    expect(page.headers.etag).toMatch(/^"[0-9a-f]+-e"$/);
    expect([page.headers["cache-control"], page.headers["x-content-type-options"]]).toEqual(["no-cache", "nosniff"]);
    expect((await get("/", { headers: { "if-none-match": page.headers.etag ?? "" } })).status).toBe(304);
    const folder = await get("/docs?a=b");
    expect([folder.status, folder.headers.location]).toEqual([301, "/docs/?a=b"]);
    expect((await get("/inside.html")).text).toBe("docs");
    for (const secret of ["/outside.txt", "/folder/secret.txt", "/.env", "/%2e%2e/private/secret.txt", "/docs/..%2f..%2fprivate/secret.txt"]) {
      const reply = await get(secret, { headers: { "x-site-root": "0105/../private" } });
      expect([reply.status === 404 || reply.status === 400, reply.text.includes("hush")]).toEqual([true, false]);
    }
    const absent = await get("/none");
    expect([absent.status, absent.text]).toEqual([404, "own 404"]);
    expect((await get("/", { method: "POST", body: "x" })).status).toBe(405);
    router.manager.upsert(aRoute({ siteId: 105, name: "pages", kind: "static", availability: "disabled" }));
    await router.settled();
    expect((await get("/")).status).toBe(403);
    router.manager.upsert(aRoute({ siteId: 105, name: "pages", kind: "static" }));
    await router.settled();
    expect((await get("/")).status).toBe(200);
  });

  test("what a visitor says of itself counts for nothing, and the dashboard's cookie goes to no site", async () => {
    await settle(one, "one");
    const forged = {
      "x-forwarded-for": "6.6.6.6",
      "X-Forwarded_For": "6.6.6.6",
      x_real_ip: "6.6.6.6",
      forwarded: "for=6.6.6.6",
      "x-forwarded-proto": "https",
      "x-backlot-address": "127.0.0.1:1",
      "x-site-root": "0001",
    };
    const direct = heard(await ask({ headers: forged }));
    expect(JSON.stringify(direct.headers)).not.toContain("6.6.6.6");
    expect(direct.headers).toMatchObject({
      "x-forwarded-for": "127.0.0.1",
      "x-real-ip": "127.0.0.1",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "app.localhost",
    });
    expect([direct.headers["x-site-root"], direct.headers["x-backlot-address"]]).toEqual([undefined, `${one.address.host}:${one.address.port}`]);
    const relayed = heard(await ask({ headers: { ...forged, cookie: "a=1; backlot_session=secret; b=2" } }));
    expect(relayed.headers.cookie).toBe("a=1; b=2");
    expect(relayed.headers).toMatchObject({ "x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1" });
    expect(JSON.stringify(relayed.headers)).not.toContain("6.6.6.6");
  });

  test("a cookie stays with the host that set it", async () => {
    await settle(one, "one");
    expect((await ask({ path: "/cookies" })).headers["set-cookie"]).toEqual(["a=1; Path=/", "b=2; HttpOnly", "c=3"]);
  });

  test.each(["backlot_session", "=backlot_device", " = __Host-backlot_session ", "__Host-backlot_device"])("no site sets a cookie named %j", async (name) => {
    expect((await ask({ path: "/planted", headers: { "x-name": name } })).headers["set-cookie"]).toBeUndefined();
  });

  test.each(["backlot_sessions", "a"])("a cookie named %j is a site's own", async (name) => {
    expect((await ask({ path: "/planted", headers: { "x-name": name } })).headers["set-cookie"]).toEqual(["a=1", `${name}=planted; Path=/`]);
  });

  test("a body up to the site's limit reaches it, a larger one does not, however its length is told", async () => {
    await settle(one, "one");
    expect(heard(await ask({ method: "POST", body: "x".repeat(200_000) })).bytes).toBe(200_000);
    expect((await ask({ method: "POST", body: "x".repeat(200_001) })).status).toBe(413);
    const chunked = { method: "POST", headers: { "transfer-encoding": "chunked" } };
    expect(heard(await ask({ ...chunked, body: "x".repeat(100_000) })).bytes).toBe(100_000);
    expect((await ask({ ...chunked, body: "x".repeat(300_000) })).status).toBe(413);
  });

  test("requests that could be read in two ways are refused, or read in one", async () => {
    await settle(one, "one");
    const raw = (lines: string): Promise<string> => exchangeRaw(router.door, `${lines}\r\nConnection: close\r\n\r\n`);
    expect(await raw("GET / HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: 1\r\nContent-Length: 2")).toMatch(/^HTTP\/1.1 400/);
    expect(await raw("GET http://app.localhost/x HTTP/1.1\r\nHost: app.localhost")).toContain('"url":"/x"');
    expect(await raw("GET / HTTP/1.1\r\nHost: app.localhost\r\nHost: pages.localhost")).toMatch(/^HTTP\/1.1 (400|404)/);
    expect(await raw("GET / HTTP/1.1\r\nHost: app.localhost\r\nConnection: Upgrade\r\nUpgrade: h2c")).toMatch(/^HTTP\/1.1 200/);
    expect(await raw("GET /;%0d%0aSet-Cookie:x HTTP/1.1\r\nHost: a;b\tc")).toMatch(/^HTTP\/1.1 (400|404)/);
  });

  test("a request that is refused where the site was falls to the activator with its body, and wakes the site", async () => {
    const gone = await startTelling("gone");
    await settle(gone, "gone");
    await gone.stop();
    const reply = heard(await ask({ method: "POST", body: "x".repeat(100_000) }));
    expect([reply.by, reply.bytes]).toEqual(["one", 100_000]);
    await isDirect("one");
  });

  test("switching between two instances under load loses no request, and waits for what is under way", async () => {
    await settle(one, "one");
    const visitors = load(router.door, 8);
    for (let round = 0; round < 10 || visitors.asked() < 500; round += 1) {
      const target = { address: (round % 2 === 0 ? two : one).address, instance: `round-${round}` };
      expect(await router.admin.call(switchSite, { params, body: { target, drainMs: 20_000 } })).toEqual({ inFlight: 0 });
    }
    expect(await visitors.stop()).toEqual(["200"]);
    await settle(one, "one");
    finish = Promise.withResolvers();
    const slow = ask({ path: "/slow" });
    await until(() => one.busy() > 0, "the slow request has come");
    const switched = router.admin.call(switchSite, { params, body: { target: { address: two.address, instance: "two" }, drainMs: 20_000 } });
    await isDirect("two");
    expect(await Promise.race([switched, isDirect("two").then(() => "waits")])).toBe("waits");
    finish.resolve();
    expect(heard(await slow).by).toBe("one");
    expect(await switched).toEqual({ inFlight: 0 });
  });

  test("a hold waits for what goes past the router, keeps new requests, and lets them go to the new instance under load", async () => {
    await settle(one, "one");
    const visitors = load(router.door, 8);
    let program = await startTelling("held");
    for (let round = 0; round < 5; round += 1) {
      expect(await router.admin.call(holdSite, { params, body: { drainMs: 20_000 } })).toEqual({ inFlight: 0 });
      await program.stop();
      program = await startTelling("held", program.address.port);
      await router.admin.call(releaseSite, { params, body: { target: { address: program.address, instance: `held-${round}` } } });
      const before = visitors.asked();
      await until(() => visitors.asked() > before + 50, "visitors go on");
    }
    expect(await visitors.stop()).toEqual(["200"]);
    await settle(one, "one");
    await program.stop();
  });

  test("a WebSocket passes both ways, and counts as under way until it ends", async () => {
    const socketProgram = await startHostedProgram(host.address, (_req, res) => res.end(JSON.stringify({ by: "socket", headers: _req.headers })));
    socketProgram.server.on("upgrade", (_req, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
      socket.on("error", () => socket.destroy());
      socket.pipe(socket);
    });
    await settle(socketProgram, "socket");
    const asked = request({ ...doorOf(router.door), path: "/", headers: { host: "app.localhost", connection: "Upgrade", upgrade: "echo" } }).end();
    const [, socket] = (await once(asked, "upgrade")) as [unknown, import("node:net").Socket];
    socket.write("hello");
    expect(String((await once(socket, "data"))[0])).toBe("hello");
    expect(await router.admin.call(holdSite, { params, body: { drainMs: 100 } })).toEqual({ inFlight: 1 });
    socket.destroy();
    expect(await router.admin.call(holdSite, { params, body: { drainMs: 20_000 } })).toEqual({ inFlight: 0 });
    await router.admin.call(releaseSite, { params, body: { target: null } });
    await isDirect("one");
    await socketProgram.stop();
  });

  test("a router that stops in order lets end what is under way, past it and in it", async () => {
    await settle(one, "one");
    finish = Promise.withResolvers();
    const direct = ask({ path: "/slow" });
    // With the dashboard's cookie it goes by way of the router.
    const relayed = ask({ path: "/slow", headers: { cookie: "backlot_session=x" } });
    await until(() => one.busy() === 2, "both have come");
    const restarted = router.restart();
    await expect
      .poll(
        () =>
          ask().then(
            () => "open",
            () => "shut",
          ),
        { timeout: 20_000, interval: 5 },
      )
      .toBe("shut");
    finish.resolve();
    expect([heard(await direct).by, heard(await relayed).by]).toEqual(["one", "one"]);
    await restarted;
    await isDirect("one");
  });

  test("a site is idle when nobody has visited it past the router either: it sleeps, and the next visit wakes it", async () => {
    await settle(one, "one");
    const [sleeps, wakes] = [router.orchestrator.sleeps.length, router.orchestrator.wakes.length];
    router.manager.upsert({ ...app, idleSeconds: 2 });
    await router.settled();
    const until4s = performance.now() + 4000;
    while (performance.now() < until4s) expect(heard(await ask()).by).toBe("one");
    expect(router.orchestrator.sleeps.length).toBe(sleeps);
    await until(() => router.orchestrator.sleeps.length > sleeps, "the site sleeps");
    expect(heard(await ask()).by).toBe("one");
    expect(router.orchestrator.wakes.length).toBe(wakes + 1);
    router.manager.upsert(app);
    await router.settled();
  });
});

function doorOf(door: string): { readonly hostname: string; readonly port: string } {
  const { hostname, port } = new URL(door);
  return { hostname, port };
}

/** Asks again and again on kept connections; a quarter of it posts. Gives every kind of outcome. */
function load(door: string, connections: number): { readonly asked: () => number; stop(): Promise<readonly string[]> } {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const outcomes = new Map<string, number>();
  let isOver = false;
  const askOnce = (method: string): Promise<void> =>
    new Promise((resolve) => {
      const note = (outcome: string): void => {
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        resolve();
      };
      const asked = request({ ...doorOf(door), agent, method, headers: { host: "app.localhost" } }, (response) => {
        response.resume();
        response.on("end", () => note(String(response.statusCode)));
      });
      asked.on("error", (error) => note(error.message));
      asked.end(method === "POST" ? "x".repeat(5000) : undefined);
    });
  const workers = Array.from({ length: connections }, async (_, index) => {
    while (!isOver) await askOnce(index % 4 === 0 ? "POST" : "GET");
  });
  return {
    asked: () => [...outcomes.values()].reduce((sum, count) => sum + count, 0),
    stop: async () => {
      isOver = true;
      await Promise.all(workers);
      agent.destroy();
      return [...outcomes.keys()];
    },
  };
}
