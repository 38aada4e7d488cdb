import { expect, test } from "vitest";
import { purgePages, readPages } from "#contract/internal/router.ts";
import { PageRouters } from "#core/routes/page-routers.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import { cachedApp } from "../support/cached-stage.ts";
import { titled, whyNoRedis } from "../support/needs.ts";
import { startRedis } from "../support/redis.ts";
import { type RouterHarness, startRouter, visit } from "../support/router-harness.ts";
import { startProgram, until } from "../support/site-program.ts";

const noRedis = whyNoRedis();
const patience = { timeout: 30_000, interval: 10 };

/** A router's client that does something before and after it is first told what to forget. */
function watched(client: ComponentClient, around: { before?(): Promise<void>; after?(): void }): ComponentClient {
  let isFirst = true;
  return {
    ...client,
    call: async (shape, input) => {
      const isTold = isFirst && shape.id === purgePages.id;
      if (isTold) isFirst = false;
      if (isTold) await around.before?.();
      const answer = await client.call(shape, input);
      if (isTold) around.after?.();
      return answer;
    },
  };
}

test.skipIf(noRedis !== null)(
  titled("an old page that a router keeps in Redis before it hears of an order is gone too, when another one that had heard of it has taken it in", noRedis),
  { timeout: 60_000 },
  async () => {
    await using redis = await startRedis();
    const answered = Promise.withResolvers<void>();
    let asked = 0;
    await using program = await startProgram(async (_req, res) => {
      asked += 1;
      const text = `answer ${asked}`;
      await answered.promise;
      res.writeHead(200, { "Cache-Control": "max-age=60" }).end(text);
    });
    const startSharing = async (): Promise<RouterHarness> => {
      const router = await startRouter({ routes: [cachedApp()], environment: { REDIS_URL: redis.url, BACKLOT_ROUTER_REDIS_MS: "5000" } });
      router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
      return router;
    };
    await using one = await startSharing();
    await using two = await startSharing();
    const get = async ({ door }: RouterHarness): Promise<string> => (await visit(door, { host: "app.localhost", path: "/a" })).text;
    const isShared = async () => (await redis.client.keys("backlot:pages:*:page:*")).length;

    for (const router of [one, two]) {
      await expect.poll(async () => (await router.admin.call(readPages, { params: { siteId: 8 } })).redis, patience).toBe("connected");
    }
    const old = get(two);
    await until(() => asked === 1, "the program is asked");
    const first = Promise.withResolvers<void>();
    const before = async (): Promise<void> => {
      await first.promise;
      answered.resolve();
      expect(await old).toBe("answer 1");
      await expect.poll(isShared, patience).toBe(1);
      expect(await get(one)).toBe("answer 1");
    };
    const clients = [watched(one.admin, { after: first.resolve }), watched(two.admin, { before })];
    const routers = new PageRouters(clients, { outdatePages: async () => 1 });
    expect(await routers.purge(8, { path: "/a" })).toMatchObject({ away: 0 });
    expect([await get(one), await get(two)]).toEqual(["answer 2", "answer 2"]);
  },
);
