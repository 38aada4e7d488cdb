import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { releaseSite } from "#contract/internal/router.ts";
import { aRoute, type RouterHarness, startRouter, visit } from "../../../test/support/router-harness.ts";
import { type SiteProgram, startProgram, until } from "../../../test/support/site-program.ts";

const host = "app.localhost";
const params = { siteId: 8 };
const page = () => startProgram((_req, res) => res.end("page"));
const google = { "user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)" };

/** A router with a dynamic site that stands still soon and sleeps late. */
async function restingSite(program: Pick<SiteProgram, "address">, environment: Record<string, string> = {}): Promise<RouterHarness> {
  const router = await startRouter({
    routes: [aRoute({ siteId: 8, name: "app", idleSeconds: 600 })],
    environment: { BACKLOT_ROUTER_FREEZE_SECONDS: "0.3", BACKLOT_ROUTER_SWEEP_MS: "20", ...environment },
  });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  return router;
}

const isFrozen = (router: RouterHarness, times = 1) => until(() => router.orchestrator.freezes.length >= times, `the site is frozen ${times} times`);

test("a site that nobody visits is frozen, told how long it may rest, and asked for again by the next visitor", async () => {
  await using program = await page();
  await using router = await restingSite(program);
  for (const round of [1, 2, 3]) {
    expect((await visit(router.door, { host })).text).toBe("page");
    await isFrozen(router, round);
    expect(router.orchestrator.wakes).toHaveLength(round);
  }
  expect(router.orchestrator.freezes[0]).toEqual({ siteId: 8, instance: "one", sleepAfterSeconds: expect.any(Number) });
  expect(router.orchestrator.freezes.every(({ sleepAfterSeconds }) => sleepAfterSeconds > 500 && sleepAfterSeconds <= 600)).toBe(true);
  expect(router.orchestrator.sleeps).toEqual([]);
});

test("visitors who come while it is being frozen wait, and all are answered by it", async () => {
  await using program = await page();
  await using router = await restingSite(program);
  const stands = Promise.withResolvers<void>();
  router.orchestrator.onFreeze = () => stands.promise.then(() => "rests" as const);
  await visit(router.door, { host });
  await isFrozen(router);
  const replies = Array.from({ length: 50 }, () => visit(router.door, { host }));
  stands.resolve();
  expect((await Promise.all(replies)).map((reply) => reply.text)).toEqual(Array(50).fill("page"));
  expect(router.orchestrator.wakes).toEqual([8, 8]);
});

test("a WebSocket and a stream keep a site from being frozen until they end", async () => {
  const finish = Promise.withResolvers<void>();
  await using program = await startProgram(async (_req, res) => {
    res.write("begun ");
    await finish.promise;
    res.end("done");
  });
  const sockets = new WebSocketServer({ server: program.server });
  sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
  await using router = await restingSite(program);
  const stream = visit(router.door, { host });
  const socket = new WebSocket(router.door.replace("http", "ws"), { headers: { host } });
  await once(socket, "open");
  // Another site with the same idle time is frozen meanwhile.
  await using other = await page();
  const { onWake } = router.orchestrator;
  router.orchestrator.onWake = (siteId) => (siteId === 9 ? { address: other.address, instance: "other" } : onWake(siteId));
  router.manager.upsert(aRoute({ siteId: 9, name: "other", idleSeconds: 600 }));
  await expect.poll(async () => (await visit(router.door, { host: "other.localhost" })).status, { timeout: 20_000 }).toBe(200);
  await isFrozen(router);
  expect(router.orchestrator.freezes.map(({ siteId }) => siteId)).toEqual([9]);
  finish.resolve();
  expect((await stream).text).toBe("begun done");
  socket.send("hello");
  expect(String((await once(socket, "message"))[0])).toBe("hello");
  socket.close();
  await until(() => router.orchestrator.freezes.some(({ siteId }) => siteId === 8), "the site is frozen");
});

test("crawlers do not make a frozen site go on", async () => {
  await using program = await page();
  await using router = await restingSite(program);
  await visit(router.door, { host });
  await isFrozen(router);
  await expect.poll(async () => (await visit(router.door, { host, headers: google })).status, { timeout: 20_000 }).toBe(503);
  expect(router.orchestrator.wakes).toEqual([8]);
});

test("a site that cannot be frozen is asked again only after a visit, and goes on answering", async () => {
  await using program = await page();
  await using router = await restingSite(program);
  router.orchestrator.onFreeze = () => "runs";
  await visit(router.door, { host });
  await isFrozen(router);
  await visit(router.door, { host });
  await isFrozen(router, 2);
  expect(router.orchestrator.wakes).toEqual([8]);
});

test("an answer to the freezing that is lost costs the next visitor nothing", async () => {
  await using program = await page();
  await using router = await restingSite(program);
  router.orchestrator.onFreeze = () => {
    throw new Error("the machine fell over");
  };
  await visit(router.door, { host });
  await isFrozen(router);
  expect((await visit(router.door, { host })).text).toBe("page");
  await until(() => router.orchestrator.wakes.length === 2, "the site is asked for again");
});

test("the router says where it sends visitors, also what others told it, and lets go of what it has lost", async () => {
  await using program = await page();
  await using router = await restingSite(program, { BACKLOT_ROUTER_FREEZE_SECONDS: "0" });
  // Told by the control plane: the orchestrator hears of it at once, not a quarter of a minute later.
  await router.admin.call(releaseSite, { params, body: { target: { address: program.address, instance: "told" } } });
  router.orchestrator.onClaim = (instances) => [...instances];
  await until(() => router.orchestrator.claims.length > 0, "the orchestrator hears of it");
  expect(router.orchestrator.claims).toEqual([[[8, "told"]]]);
  await expect.poll(async () => (await visit(router.door, { host })).text && router.orchestrator.wakes.length, { timeout: 20_000 }).toBe(1);
});
