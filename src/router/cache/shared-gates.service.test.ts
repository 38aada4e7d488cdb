import { expect, test } from "vitest";
import { readPages } from "#contract/internal/router.ts";
import { cachedApp } from "../../../test/support/cached-stage.ts";
import { titled, whyNoRedis } from "../../../test/support/needs.ts";
import { startRedis } from "../../../test/support/redis.ts";
import { aRoute, type RouterHarness, startRouter, visit } from "../../../test/support/router-harness.ts";
import { startProgram, until } from "../../../test/support/site-program.ts";

const noRedis = whyNoRedis();
const patience = { timeout: 30_000, interval: 10 };

test.skipIf(noRedis !== null)(titled("a program that is woken after a wait for another router is put to sleep like any other", noRedis), async () => {
  await using redis = await startRedis();
  const finish = Promise.withResolvers<void>();
  let asked = 0;
  await using program = await startProgram(async (req, res) => {
    if (req.headers.host === "brief.localhost") return void res.end("brief");
    asked += 1;
    await finish.promise;
    res.setHeader("Cache-Control", "no-store").end("own");
  });
  const routes = [{ ...cachedApp(), idleSeconds: 2 }, aRoute({ siteId: 9, name: "brief", idleSeconds: 0 })];
  const startSharing = async (): Promise<RouterHarness> => {
    const router = await startRouter({ routes, environment: { REDIS_URL: redis.url, BACKLOT_ROUTER_REDIS_MS: "5000" } });
    router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
    await expect.poll(() => router.admin.call(readPages, { params: { siteId: 8 } }).then(({ redis: state }) => state), patience).toBe("connected");
    return router;
  };
  await using one = await startSharing();
  await using two = await startSharing();
  const get = (router: RouterHarness) => visit(router.door, { host: "app.localhost" });
  const first = get(one);
  await until(() => asked === 1, "the first router asks the program");
  const second = get(two);
  await expect.poll(() => two.admin.call(readPages, { params: { siteId: 8 } }).then(({ misses }) => misses), patience).toBe(1);
  // Who puts this one to sleep has looked at all gates, and keeps none that nobody has entered.
  await visit(two.door, { host: "brief.localhost" });
  await expect.poll(() => two.orchestrator.sleeps.map(({ siteId }) => siteId), patience).toContain(9);
  expect(two.orchestrator.wakes).not.toContain(8);
  finish.resolve();
  expect([(await first).text, (await second).text, asked]).toEqual(["own", "own", 2]);
  await expect.poll(() => two.orchestrator.sleeps, patience).toContainEqual({ siteId: 8, instance: "one" });
});
