import { expect, test } from "vitest";
import { titled, whyNoRedis } from "../../../test/support/needs.ts";
import { startRedis } from "../../../test/support/redis.ts";
import { checkRedis } from "./redis.ts";

const noRedis = whyNoRedis();

test("the doctor is content without Redis", async () => {
  expect(await checkRedis({})).toEqual({ name: "redis", state: "info", detail: "not used: each router keeps pages in its own memory" });
});

test("it says why an address does not work, without saying the password", async () => {
  const check = await checkRedis({ REDIS_URL: "redis://backlot:open-sesame@127.0.0.1:1" });
  expect(check).toMatchObject({
    state: "limited",
    detail: "REDIS_URL is set, but: connect ECONNREFUSED 127.0.0.1:1",
    advice: expect.stringContaining("REDIS_URL"),
  });
  expect(JSON.stringify(check)).not.toContain("open-sesame");
});

test.skipIf(noRedis !== null)(titled("a Redis that lets us in is named with its version, one that does not with its reason", noRedis), async () => {
  await using redis = await startRedis();
  expect(await checkRedis({ REDIS_URL: redis.url })).toMatchObject({ state: "ok", detail: expect.stringMatching(/^REDIS_URL names Redis \d+\.\d+/) });
  await redis.client.config("SET", "requirepass", "open-sesame");
  expect(await checkRedis({ REDIS_URL: redis.url })).toMatchObject({ state: "limited", detail: expect.stringContaining("NOAUTH") });
});
