import { expect, test } from "vitest";
import { readPages } from "#contract/internal/router.ts";
import { cachedApp } from "../../../test/support/cached-stage.ts";
import { titled, whyNoRedis } from "../../../test/support/needs.ts";
import { startRedis } from "../../../test/support/redis.ts";
import { type RouterHarness, startRouter, visit } from "../../../test/support/router-harness.ts";
import { startProgram, until } from "../../../test/support/site-program.ts";

const noRedis = whyNoRedis();
const patience = { timeout: 30_000, interval: 10 };

test.skipIf(noRedis !== null)(titled("a program that is woken after a wait for another router is put to sleep like any other", noRedis), async () => {
  await using redis = await startRedis();
  const finish = Promise.withResolvers<void>();
  let asked = 0;
  await using program = await startProgram(async (_req, res) => {
    asked += 1;
    await finish.promise;
    res.setHeader("Cache-Control", "no-store").end("own");
  });
  const route = { ...cachedApp(), idleSeconds: 2 };
  const startSharing = async (): Promise<RouterHarness> => {
    const router = await startRouter({ routes: [route], environment: { REDIS_URL: redis.url, BACKLOT_ROUTER_REDIS_MS: "5000" } });
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
  // Longer than a gate that nobody has entered is kept.
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(two.orchestrator.wakes).toEqual([]);
  finish.resolve();
  expect([(await first).text, (await second).text, asked]).toEqual(["own", "own", 2]);
  await expect.poll(() => two.orchestrator.sleeps, patience).toEqual([{ siteId: 8, instance: "one" }]);
});
