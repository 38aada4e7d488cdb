import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { Failure } from "#contract/failure.ts";
import { awaitRoutes } from "#contract/internal/router.ts";
import { cachedApp } from "../../../test/support/cached-stage.ts";
import { aRoute, type RouterHarness, startRouter, visit } from "../../../test/support/router-harness.ts";
import { freePort, type SiteProgram, startProgram, until } from "../../../test/support/site-program.ts";
import { escapeHtml } from "../pages/error-page.ts";

const host = "app.localhost";
const google = { "user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)" };
const browser = { accept: "text/html,application/xhtml+xml", "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0" };
const echo = () =>
  startProgram(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    res.end(`${req.method} ${Buffer.concat(chunks).length}`);
  });

/** A router with one dynamic site that sleeps behind this program. */
async function sleepingSite(
  program: Pick<SiteProgram, "address">,
  over: Partial<ReturnType<typeof aRoute>> = {},
  environment: Record<string, string> = {},
): Promise<RouterHarness> {
  const router = await startRouter({ routes: [aRoute({ siteId: 8, name: "app", ...over })], environment });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  return router;
}

const sleepsOf = (router: RouterHarness) => router.orchestrator.sleeps.filter(({ siteId }) => siteId === 8);

/** Another site, visited from now on as rarely and with the same idle time, is put to sleep: time enough for the first one, too. */
async function othersSleep(router: RouterHarness): Promise<void> {
  await using other = await echo();
  const { onWake } = router.orchestrator;
  router.orchestrator.onWake = (siteId) => (siteId === 9 ? { address: other.address, instance: "other" } : onWake(siteId));
  router.manager.upsert(aRoute({ siteId: 9, name: "other", idleSeconds: 1 }));
  await router.admin.call(awaitRoutes, { body: { version: router.manager.version } });
  expect((await visit(router.door, { host: "other.localhost" })).status).toBe(200);
  await until(() => router.orchestrator.sleeps.some(({ siteId }) => siteId === 9), "the other site is put to sleep");
}

test("200 requests at once to a sleeping site: one wake-up, 200 answers", async () => {
  await using program = await echo();
  await using router = await sleepingSite(program);
  const asked = Promise.withResolvers<void>();
  router.orchestrator.onWake = async () => {
    await asked.promise;
    return { address: program.address, instance: "one" };
  };
  const replies = Array.from({ length: 200 }, () => visit(router.door, { host }));
  await until(() => router.orchestrator.wakes.length > 0, "the site is woken");
  asked.resolve();
  expect((await Promise.all(replies)).map((reply) => reply.status)).toEqual(Array(200).fill(200));
  expect(router.orchestrator.wakes).toEqual([8]);
});

test("a site that has got a program only now is woken as soon as its orchestrator has heard of that, too", async () => {
  await using program = await echo();
  await using router = await sleepingSite(program);
  router.orchestrator.onWake = () => {
    if (router.orchestrator.wakes.length === 1) throw new Failure("site_static");
    return { address: program.address, instance: "one" };
  };
  expect((await visit(router.door, { host })).status).toBe(200);
  expect(router.orchestrator.wakes).toEqual([8, 8]);
});

test("an idle site goes to sleep by the order of its instance, and the next visitor wakes it", async () => {
  await using program = await echo();
  await using router = await sleepingSite(program, { idleSeconds: 1 });
  await visit(router.door, { host });
  await until(() => router.orchestrator.sleeps.length > 0, "the site is put to sleep");
  expect(router.orchestrator.sleeps).toEqual([{ siteId: 8, instance: "one" }]);
  expect((await visit(router.door, { host })).status).toBe(200);
  expect(router.orchestrator.wakes).toEqual([8, 8]);
});

test("requests that come while a site is going to sleep wait and are answered by the next instance", async () => {
  await using first = await startProgram((_req, res) => res.end("first"));
  await using second = await startProgram((_req, res) => res.end("second"));
  await using router = await sleepingSite(first, { idleSeconds: 1 });
  await visit(router.door, { host });
  const stopping = Promise.withResolvers<void>();
  router.orchestrator.onSleep = () => stopping.promise;
  router.orchestrator.onWake = () => ({ address: second.address, instance: "two" });
  await until(() => router.orchestrator.sleeps.length > 0, "the site is put to sleep");
  const replies = Array.from({ length: 20 }, () => visit(router.door, { host }));
  stopping.resolve();
  expect((await Promise.all(replies)).map((reply) => reply.text)).toEqual(Array(20).fill("second"));
});

test("a site that ran when the router started is put to sleep too", async () => {
  await using program = await echo();
  await using router = await sleepingSite(program, { idleSeconds: 1 });
  await visit(router.door, { host });
  await router.restart();
  await until(() => router.orchestrator.sleeps.length > 0, "the site is put to sleep");
  expect(router.orchestrator.sleeps).toEqual([{ siteId: 8, instance: undefined }]);
});

test("a request under way keeps a site awake, however long it takes", async () => {
  const finish = Promise.withResolvers<void>();
  await using program = await startProgram(async (_req, res) => {
    res.write("begun ");
    await finish.promise;
    res.end("done");
  });
  await using router = await sleepingSite(program, { idleSeconds: 1 });
  const reply = visit(router.door, { host });
  await until(() => router.orchestrator.wakes.length > 0, "the site is woken");
  await othersSleep(router);
  expect(sleepsOf(router)).toEqual([]);
  finish.resolve();
  expect((await reply).text).toBe("begun done");
  await until(() => sleepsOf(router).length > 0, "the site is put to sleep");
});

test("a WebSocket wakes a site, passes both ways and keeps it awake until it ends", async () => {
  await using program = await startProgram((_req, res) => res.end("page"));
  const sockets = new WebSocketServer({ server: program.server });
  sockets.on("connection", (socket) => socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })));
  await using router = await sleepingSite(program, { idleSeconds: 1 });
  const socket = new WebSocket(router.door.replace("http", "ws"), { headers: { host } });
  await once(socket, "open");
  await othersSleep(router);
  expect(sleepsOf(router)).toEqual([]);
  const large = Buffer.alloc(1_000_000, 7);
  for (const message of [Buffer.from("hello"), large]) {
    socket.send(message);
    const [answer] = (await once(socket, "message")) as [Buffer];
    expect(answer.equals(message)).toBe(true);
  }
  socket.close();
  await until(() => sleepsOf(router).length > 0, "the site is put to sleep");
});

test("crawlers, probes and icons do not wake a site; one that is awake answers them, and they do not keep it so", async () => {
  await using program = await echo();
  await using router = await sleepingSite(program, { idleSeconds: 1 });
  const crawler = await visit(router.door, { host, headers: google });
  expect([crawler.status, crawler.headers["retry-after"], JSON.parse(crawler.text).code]).toEqual([503, "3600", "site_asleep"]);
  expect((await visit(router.door, { host, method: "HEAD" })).status).toBe(503);
  expect((await visit(router.door, { host, path: "/favicon.ico?v=2", headers: browser })).status).toBe(204);
  expect(router.orchestrator.wakes).toEqual([]);
  await visit(router.door, { host });
  const startedAt = Date.now();
  while (router.orchestrator.sleeps.length === 0 && Date.now() - startedAt < 10_000) {
    const { status } = await visit(router.door, { host, headers: google });
    expect([200, 503]).toContain(status);
  }
  expect(router.orchestrator.sleeps.length).toBe(1);
  expect(router.orchestrator.wakes).toEqual([8]);
});

test.each([
  ["a site", aRoute({ siteId: 8, name: "app" })],
  ["a site whose pages are kept", cachedApp()],
] as const)("where the program of %s has gone unnoticed a crawler does not bring it back, and the next person does", async (_, route) => {
  const program = await echo();
  await using next = await echo();
  await using router = await sleepingSite(program, route);
  expect((await visit(router.door, { host, path: "/first", headers: browser })).status).toBe(200);
  await program[Symbol.asyncDispose]();
  router.orchestrator.onWake = () => ({ address: next.address, instance: "two" });
  const crawler = await visit(router.door, { host, headers: google });
  expect([crawler.status, crawler.headers["retry-after"], JSON.parse(crawler.text).code, router.orchestrator.wakes]).toEqual([503, "3600", "site_asleep", [8]]);
  expect((await visit(router.door, { host, headers: browser })).status).toBe(200);
  expect(router.orchestrator.wakes).toEqual([8, 8]);
});

test("an owner can let crawlers wake the site", async () => {
  await using program = await echo();
  await using router = await sleepingSite(program, { botsWake: true });
  expect((await visit(router.door, { host, headers: google })).status).toBe(200);
});

test.each([
  [new Failure("run_file_missing"), "There is no run.sh"],
  [new Failure("site_not_listening", { seconds: 30 }), "Nothing listens on $PORT after 30 s"],
  [new Failure("site_not_served"), "not served at the moment"],
  [new Failure("isolation_missing", { missing: "bubblewrap is not installed" }), "bubblewrap is not installed"],
  [new Failure("machine_full"), "no room"],
])("when waking fails with %s a browser gets a page that says why, and a program a problem document", async (failure, words) => {
  await using router = await sleepingSite({ address: { host: "127.0.0.1", port: 1 } });
  router.orchestrator.onWake = () => {
    throw failure;
  };
  const page = await visit(router.door, { host, headers: browser });
  expect([page.status, page.headers["content-type"]]).toEqual([503, "text/html; charset=utf-8"]);
  expect(page.headers["retry-after"]).toBeDefined();
  expect(page.text).toContain(words);
  const problem = await visit(router.door, { host });
  expect([problem.status, problem.headers["content-type"], JSON.parse(problem.text)]).toMatchObject([
    503,
    "application/problem+json",
    { code: failure.code, title: failure.message },
  ]);
});

test.each([
  [
    new Failure("site_crashed", { reason: "exited 1 three times in 10 s; last line: Error: password secret-1", cause: "exited 1 three times in 10 s" }),
    "The site's program ended: exited 1 three times in 10 s",
  ],
  [new Failure("site_crashed", { reason: "exited 1; last line: Error: password secret-1" }), "The site's program ended: its log says why"],
  [
    new Failure("image_unusable", { image: "registry.example/secret-1:2", reason: "exec: secret-1: not found" }),
    "The site's program ended: its image cannot be used",
  ],
])("of %s a visitor hears the cause in plain words, and nothing that was printed or set up", async (failure, title) => {
  await using router = await sleepingSite({ address: { host: "127.0.0.1", port: 1 } });
  router.orchestrator.onWake = () => {
    throw failure;
  };
  const page = await visit(router.door, { host, headers: browser });
  expect([page.status, page.text.includes(escapeHtml(title))]).toEqual([503, true]);
  const problem = await visit(router.door, { host });
  expect([problem.status, JSON.parse(problem.text)]).toMatchObject([503, { code: "site_crashed", title }]);
  const upgrade = await visit(router.door, { host, headers: { connection: "upgrade", upgrade: "websocket" } });
  for (const answer of [page, problem, upgrade]) expect(JSON.stringify(answer)).not.toMatch(/secret-1|last line/);
  // Who may read the site's log finds it there.
  await expect.poll(() => router.orchestrator.reports.map(([, line]) => line)).toEqual(expect.arrayContaining([expect.stringContaining("secret-1")]));
});

test("a request that waits too long hears that the site is starting, and the start goes on for the next one", async () => {
  await using program = await echo();
  await using router = await sleepingSite(program, {}, { BACKLOT_ROUTER_HOLD_MS: "100" });
  const started = Promise.withResolvers<void>();
  router.orchestrator.onWake = async () => {
    await started.promise;
    return { address: program.address, instance: "one" };
  };
  const early = await visit(router.door, { host, headers: browser });
  expect([early.status, early.headers["retry-after"]]).toEqual([503, "5"]);
  expect(early.text).toContain("The site is still starting");
  started.resolve();
  await until(() => router.orchestrator.wakes.length === 1, "the site was woken");
  expect((await visit(router.door, { host })).status).toBe(200);
  expect(router.orchestrator.wakes.length).toBe(1);
});

test("more requests than may wait are refused at once", async () => {
  await using program = await echo();
  await using router = await sleepingSite(program, {}, { BACKLOT_ROUTER_WAITING_REQUESTS: "10" });
  const started = Promise.withResolvers<void>();
  router.orchestrator.onWake = async () => {
    await started.promise;
    return { address: program.address, instance: "one" };
  };
  let refused = 0;
  const replies = Array.from({ length: 15 }, async () => {
    const { status } = await visit(router.door, { host });
    if (status === 503) refused += 1;
    if (refused === 5) started.resolve();
    return status;
  });
  expect((await Promise.all(replies)).toSorted()).toEqual([...Array(10).fill(200), ...Array(5).fill(503)]);
});

test("100 kB posted to an address where nobody listens any more arrive whole at the next one", async () => {
  await using program = await echo();
  await using router = await sleepingSite(program);
  const gone = await freePort();
  router.orchestrator.onWake = () => ({
    address: router.orchestrator.wakes.length === 1 ? { host: "127.0.0.1", port: gone } : program.address,
    instance: `${router.orchestrator.wakes.length}`,
  });
  const reply = await visit(router.door, { host, method: "POST", body: Buffer.alloc(100_000, 1) });
  expect([reply.status, reply.text]).toEqual([200, "POST 100000"]);
  expect(router.orchestrator.wakes.length).toBe(2);
});

test("a program that never comes up where it was said to be ends in 502, not in a loop", async () => {
  await using router = await sleepingSite({ address: { host: "127.0.0.1", port: await freePort() } });
  const reply = await visit(router.door, { host, headers: browser });
  expect(reply.status).toBe(502);
  expect(router.orchestrator.wakes.length).toBe(3);
});

test("a site can listen on a unix socket", async () => {
  await using router = await startRouter({ routes: [aRoute({ siteId: 8, name: "app" })] });
  await using program = await startProgram((_req, res) => res.end("by socket"), { socket: `${router.data}/app.sock` });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  expect((await visit(router.door, { host })).text).toBe("by socket");
});

test("a request that asks for too much wakes nothing", async () => {
  await using program = await echo();
  await using router = await sleepingSite(program, { requestBodyBytes: 1000 });
  const reply = await visit(router.door, { host, method: "POST", body: Buffer.alloc(1001) });
  expect([reply.status, JSON.parse(reply.text).details]).toEqual([413, { limitBytes: 1000 }]);
  expect(router.orchestrator.wakes).toEqual([]);
});
