import { kill } from "node:process";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { purgePages, readPages, releaseSite } from "#contract/internal/router.ts";
import type { RouteCache } from "#contract/site-cache.ts";
import { titled, whyNoRedis } from "../../../test/support/needs.ts";
import { startRedis, type TestRedis } from "../../../test/support/redis.ts";
import { type Ask, aRoute, type Reply, type RouterHarness, startRouter, visit } from "../../../test/support/router-harness.ts";
import { type SiteProgram, startProgram, until } from "../../../test/support/site-program.ts";

const cache: RouteCache = { generation: 1, defaultSeconds: 0, revalidateSeconds: 0, staleSeconds: 3600, sharesSignedIn: false, bytes: 1_000_000 };
const app = (over: Partial<RouteCache> = {}) => aRoute({ siteId: 8, name: "app", cache: { ...cache, ...over } });

const noRedis = whyNoRedis();
const onRedis = (title: string, run: () => Promise<void>) => test.skipIf(noRedis !== null)(titled(title, noRedis), run);

let redis: TestRedis;
let program: SiteProgram;
let asked: string[] = [];
let answer = (path: string, count: number): string => `${path} ${count}`;
let headers: Record<string, string> = {};
let gate: Promise<void> | undefined;

beforeAll(async () => {
  redis = await startRedis();
  program = await startProgram(async (req, res) => {
    asked.push(req.url ?? "");
    const count = asked.length;
    await gate;
    res.writeHead(200, { "Cache-Control": "max-age=60", ...headers }).end(answer(req.url ?? "", count));
  });
});
afterEach(async () => {
  asked = [];
  headers = {};
  gate = undefined;
  answer = (path, count) => `${path} ${count}`;
  await redis.client.flushall();
});
afterAll(async () => {
  await program[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

// On a busy machine fifty milliseconds may pass before anybody looks: only the test of a slow Redis counts them.
const patient = { BACKLOT_ROUTER_REDIS_MS: "5000" };

async function startSharing(over: Readonly<Record<string, string>> = patient, route = app()): Promise<RouterHarness> {
  const router = await startRouter({ routes: [route], environment: { REDIS_URL: redis.url, ...over } });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  await shares(router);
  return router;
}

const stateOf = async (router: RouterHarness): Promise<string> => (await router.admin.call(readPages, { params: { siteId: 8 } })).redis;
const shares = (router: RouterHarness) => expect.poll(() => stateOf(router), { timeout: 30_000, interval: 10 }).toBe("connected");
const get = (router: RouterHarness, path = "/", ask: Partial<Ask> = {}): Promise<Reply> => visit(router.door, { host: "app.localhost", path, ...ask });
const keys = (pattern: string): Promise<string[]> => redis.client.keys(`backlot:pages:*:${pattern}`);
const kept = (count: number) => expect.poll(() => keys("page:*").then((all) => all.length), { timeout: 30_000, interval: 10 }).toBe(count);

onRedis("what one router has kept the others have too, and one that has just started", async () => {
  await using one = await startSharing();
  await using two = await startSharing();
  headers = { Vary: "Accept-Language", "X-Two": "a, b", ETag: '"v1"', "Cache-Tag": "news" };
  expect((await get(one, "/a", { headers: { "accept-language": "de" } })).text).toBe("/a 1");
  await kept(1);
  const reply = await get(two, "/a", { headers: { "accept-language": "de" } });
  expect([reply.text, reply.headers["x-two"], reply.headers.etag]).toEqual(["/a 1", "a, b", '"v1"']);
  expect((await get(two, "/a", { headers: { "accept-language": "en" } })).text).toBe("/a 2");
  await two.restart();
  await shares(two);
  expect((await get(two, "/a", { headers: { "accept-language": "de" } })).text).toBe("/a 1");
  // What is noted of an address goes with the last of its pages.
  await kept(2);
  expect(await keys("vary:*")).toHaveLength(1);
  expect(await two.admin.call(purgePages, { params: { siteId: 8 }, body: { tag: "news" } })).toMatchObject({ removed: 2 });
  expect(await keys("[pv]a*:8*")).toEqual([]);
});

onRedis("of visitors at several routers who want the same page at once the program hears one", async () => {
  await using one = await startSharing();
  await using two = await startSharing();
  const finish = Promise.withResolvers<void>();
  gate = finish.promise;
  const first = get(one, "/herd");
  await until(() => asked.length === 1, "the program is asked");
  const others = [...Array.from({ length: 10 }, () => get(two, "/herd")), ...Array.from({ length: 10 }, () => get(one, "/herd"))];
  await expect.poll(async () => (await two.admin.call(readPages, { params: { siteId: 8 } })).misses, { timeout: 20_000 }).toBe(1);
  finish.resolve();
  const texts = (await Promise.all([first, ...others])).map((reply) => reply.text);
  expect([new Set(texts), asked.length]).toEqual([new Set(["/herd 1"]), 1]);
});

onRedis("a site that sleeps is not woken for what another router has kept, by bots neither", async () => {
  await using one = await startSharing();
  await using two = await startSharing();
  headers = { "Cache-Control": "max-age=0" };
  await get(one, "/a");
  await kept(1);
  await one.admin.call(releaseSite, { params: { siteId: 8 }, body: { target: null } });
  const bot = { headers: { "user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)" } };
  expect([(await get(two, "/a", bot)).text, (await get(two, "/a")).text, two.orchestrator.wakes.length]).toEqual(["/a 1", "/a 1", 0]);
  expect((await get(two, "/b", bot)).status).toBe(503);
});

onRedis("a new generation is one for all, and purges by path, prefix and tag reach what is shared", async () => {
  await using one = await startSharing();
  await using two = await startSharing();
  headers = { "Cache-Tag": "news" };
  for (const path of ["/a", "/b/1", "/b/2", "/c"]) await get(one, path);
  await kept(4);
  const purge = (router: RouterHarness, body: object) => router.admin.call(purgePages, { params: { siteId: 8 }, body });
  expect(await purge(one, { prefix: "/b/" })).toEqual({ removed: 2, isComplete: true, isShared: true });
  expect((await get(two, "/b/1")).text).toBe("/b/1 5");
  expect((await get(two, "/a")).text).toBe("/a 1");
  expect(await purge(two, { tag: "news" })).toMatchObject({ isComplete: true });
  await kept(0);
  // The first router's memory is told by its own call: the manager calls every router.
  await purge(one, { tag: "news" });
  expect((await get(one, "/c")).text).toBe("/c 6");
  for (const router of [one, two]) {
    router.manager.upsert(app({ generation: 2 }));
    await router.settled();
  }
  expect((await get(two, "/c")).text).toBe("/c 7");
});

onRedis("what is kept stays within the site's bytes and within all bytes, the oldest go first, and nothing is left behind", async () => {
  const large = "x".repeat(200_000);
  answer = () => large;
  await using one = await startSharing({ ...patient, BACKLOT_ROUTER_REDIS_BYTES: "1048576" }, app({ bytes: 700_000 }));
  one.manager.upsert(aRoute({ siteId: 9, name: "other", cache: { ...cache, bytes: 700_000 } }));
  await one.settled();
  for (let index = 0; index < 6; index += 1) await get(one, `/${index}`);
  await kept(3);
  for (let index = 0; index < 3; index += 1) await visit(one.door, { host: "other.localhost", path: `/${index}` });
  await kept(5);
  const total = Number(await redis.client.get((await keys("bytes"))[0] ?? ""));
  const sums = await redis.client.zrange((await keys("sites"))[0] ?? "", "0", "-1", "WITHSCORES");
  expect(total).toBe(Number(sums[1]) + Number(sums[3]));
  expect(total).toBeLessThanOrEqual(1_048_576);
  await redis.client.del(...(await keys("page:*")));
  await get(one, "/new");
  // What Redis itself has thrown away is noticed a few at a time.
  await expect.poll(async () => redis.client.zcard((await keys("used:8"))[0] ?? ""), { timeout: 20_000 }).toBeLessThanOrEqual(1);
});

onRedis("rubbish, pages of another version and keys of another kind count as not there", async () => {
  await using one = await startSharing();
  await get(one, "/a");
  await get(one, "/b");
  await get(one, "/c");
  await kept(3);
  const [first = "", second = "", third = ""] = await keys("page:*");
  const whole = (await redis.client.getBuffer(first)) ?? Buffer.alloc(0);
  await redis.client.set(first, whole.subarray(0, whole.length - 1));
  await redis.client.set(second, Buffer.concat([Buffer.from("BLP9"), whole.subarray(4)]));
  await redis.client.del(third);
  await redis.client.lpush(third, "x");
  await using two = await startSharing();
  const texts = [];
  for (const path of ["/a", "/b", "/c"]) texts.push((await get(two, path)).text);
  expect([texts, await stateOf(two)]).toEqual([["/a 4", "/b 5", "/c 6"], "connected"]);
});

/** What Redis holds of the site, and whether every list and sum says the same of it. */
async function noted() {
  const { client } = redis;
  const at = async (name: string): Promise<string> => (await keys(name))[0] ?? "";
  const sizes = Object.values(await client.hgetall(await at("sizes:8"))).map(Number);
  const about = Object.values(await client.hgetall(await at("about:8"))).map((text) => JSON.parse(text) as { readonly path: string });
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const sums = [Number(await client.get(await at("bytes"))), Number(await client.zscore(await at("sites"), "8"))];
  const counts = [sizes.length, await client.zcard(await at("used:8")), (await keys("page:8:*")).length, (await keys("vary:8:*")).length];
  return {
    pages: about.map(({ path }) => path).toSorted(),
    isOneSum: sums.every((sum) => sum === bytes),
    isOneCount: counts.every((count) => count === about.length),
    isWithin: bytes <= 300_000,
  };
}

/** Visits a page at each router again and again; gives every kind of answer. */
function visitors(routers: readonly RouterHarness[], path: string): AsyncDisposable & { stop(): Promise<readonly string[]> } {
  let isOver = false;
  const seen = new Set<string>();
  const running = routers.map(async (router) => {
    while (!isOver) seen.add(await get(router, path).then(({ status, text }) => `${status} ${text}`, String));
  });
  const stop = async (): Promise<readonly string[]> => {
    isOver = true;
    await Promise.all(running);
    return [...seen];
  };
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

const losses: readonly (readonly [how: string, lose: (routers: readonly RouterHarness[]) => Promise<void>])[] = [
  ["flushed under visitors", async () => void (await redis.client.flushall())],
  [
    "killed under visitors and comes back empty",
    async (routers) => {
      await redis.kill();
      for (const router of routers) await expect.poll(() => stateOf(router), { timeout: 30_000, interval: 10 }).toBe("away");
      await redis.restart();
      for (const router of routers) await shares(router);
    },
  ],
];
for (const [how, lose] of losses) {
  onRedis(`a Redis that is ${how} costs one question a page; sums, bounds and orders are right after that`, async () => {
    answer = (path, count) => `${path} ${count}`.padEnd(path.startsWith("/large") ? 60_000 : 0);
    headers = { "Cache-Tag": "news" };
    const route = app({ bytes: 300_000 });
    await using one = await startSharing(patient, route);
    await using two = await startSharing(patient, route);
    for (const path of ["/a", "/b", "/c"]) await get(one, path);
    await kept(3);
    expect((await get(two, "/b")).text).toBe("/b 2");
    await using load = visitors([one, two], "/b");
    await lose([one, two]);
    const again = await Promise.all(Array.from({ length: 20 }, () => get(two, "/a")));
    expect([new Set(again.map(({ text }) => text)), asked]).toEqual([new Set(["/a 4"]), ["/a", "/b", "/c", "/a"]]);
    await kept(1);
    await using three = await startSharing(patient, route);
    expect([(await get(three, "/a")).text, (await get(three, "/c")).text]).toEqual(["/a 4", "/c 5"]);
    expect(await load.stop()).toEqual(["200 /b 2"]);

    const fits = { isOneSum: true, isOneCount: true, isWithin: true };
    for (let index = 0; index < 8; index += 1) await get(two, `/large/${index}`);
    const small = async () => {
      const { pages, ...rest } = await noted();
      return { ...rest, count: pages.length, isNewest: pages.includes("/large/7"), small: pages.filter((path) => !path.startsWith("/large")) };
    };
    // Four of sixty thousand bytes fit; what was there before was older.
    await expect.poll(small, { timeout: 30_000 }).toEqual({ ...fits, count: 4, isNewest: true, small: [] });
    const { pages: large } = await noted();
    for (const path of ["/p/1", "/p/2", "/q"]) await get(two, path);
    await expect.poll(noted, { timeout: 30_000 }).toEqual({ pages: [...large, "/p/1", "/p/2", "/q"], ...fits });

    const purge = (body: object) => one.admin.call(purgePages, { params: { siteId: 8 }, body });
    expect(await purge({ path: "/p/1" })).toEqual({ removed: 1, isComplete: true, isShared: true });
    expect(await noted()).toEqual({ pages: [...large, "/p/2", "/q"], ...fits });
    expect(await purge({ prefix: "/p/" })).toEqual({ removed: 1, isComplete: true, isShared: true });
    expect(await noted()).toEqual({ pages: [...large, "/q"], ...fits });
    expect(await purge({ tag: "news" })).toEqual({ removed: 5, isComplete: true, isShared: true });
    expect(await noted()).toEqual({ pages: [], ...fits });
    const count = asked.length;
    expect([(await get(three, "/q")).text, asked.length]).toEqual([`/q ${count + 1}`, count + 1]);
  });
}

onRedis(
  "what a request has changed is not taken out of Redis again, though the order to forget it fails there, and is forgotten when that can be done",
  async () => {
    await using one = await startSharing();
    await using two = await startSharing();
    for (const path of ["/a", "/a?x=1", "/b"]) await get(one, path);
    await kept(3);
    // What a purge begins with; reading and keeping pages goes on.
    await redis.client.call("ACL", "SETUSER", "default", "-hgetall", "-hkeys");
    try {
      expect((await get(one, "/a", { method: "POST" })).text).toBe("/a 4");
      expect([(await get(one, "/a")).text, (await get(one, "/a?x=1")).text, (await get(one, "/b")).text]).toEqual(["/a 5", "/a?x=1 6", "/b 3"]);
    } finally {
      await redis.client.call("ACL", "SETUSER", "default", "+hgetall", "+hkeys");
    }
    await kept(0);
    expect([(await get(two, "/a?x=1")).text, (await get(one, "/a")).text, (await get(one, "/a?x=1")).text]).toEqual(["/a?x=1 7", "/a 5", "/a?x=1 6"]);
    await kept(1);
    const about = await noted();
    expect([about.pages, about.isOneSum, about.isOneCount]).toEqual([["/a?x=1"], true, true]);
  },
);

onRedis("notes of pages that cannot be read, of a router of another version, go with the next order and keep no site off the shared pages", async () => {
  await using one = await startSharing();
  await using two = await startSharing();
  for (const path of ["/a", "/b", "/c", "/d"]) await get(one, path);
  await kept(4);
  const [about = ""] = await keys("about:8");
  /** Notes this of a page instead. */
  const spoil = async (path: string, note: string): Promise<void> => {
    const found = Object.entries(await redis.client.hgetall(about)).find(([, text]) => text.includes(`"${path}"`));
    await redis.client.hset(about, found?.[0] ?? "not there", note);
  };
  await spoil("/b", '{"path":"/b","labels":[]}');
  await spoil("/c", "no JSON");
  expect((await get(one, "/a", { method: "POST" })).text).toBe("/a 5");
  await expect.poll(noted, { timeout: 20_000 }).toMatchObject({ pages: ["/d"], isOneSum: true });
  expect([(await get(two, "/b")).text, (await get(two, "/d")).text]).toEqual(["/b 6", "/d 4"]);
  expect((await get(one, "/a")).text).toBe("/a 7");
  await kept(3);
  expect((await get(two, "/a")).text).toBe("/a 7");

  await spoil("/d", "7");
  await spoil("/a", "[");
  expect(await two.admin.call(purgePages, { params: { siteId: 8 }, body: {} })).toEqual({ removed: 3, isComplete: true, isShared: true });
  await expect.poll(noted, { timeout: 20_000 }).toMatchObject({ pages: [], isOneSum: true });
});

onRedis("a request that changes something has what is shared of its address forgotten for all", async () => {
  await using one = await startSharing();
  await using two = await startSharing();
  for (const path of ["/a", "/a?x=1", "/b"]) await get(one, path);
  await kept(3);
  await get(one, "/a", { method: "DELETE" });
  await kept(1);
  expect([(await get(two, "/a")).text, (await get(two, "/b")).text]).toEqual(["/a 5", "/b 3"]);
});

onRedis("a Redis that is full costs nothing but questions to the site", async () => {
  await using one = await startSharing();
  await redis.client.config("SET", "maxmemory", "1");
  try {
    expect((await get(one, "/b")).text).toBe("/b 1");
    expect((await get(one, "/b")).text).toBe("/b 1");
    expect(await stateOf(one)).toBe("connected");
  } finally {
    await redis.client.config("SET", "maxmemory", "0");
  }
  await expect.poll(async () => (await get(one, `/c${Math.random()}`)).status === 200 && (await keys("page:*")).length > 0, { timeout: 30_000 }).toBe(true);
});

onRedis("a Redis that was killed is gone without, and one that comes back is used again, empty", async () => {
  await using one = await startSharing();
  await using two = await startSharing();
  await get(one, "/a");
  await kept(1);
  await redis.kill();
  await expect.poll(() => stateOf(one), { timeout: 20_000 }).toBe("away");
  expect((await get(one, "/a")).text).toBe("/a 1");
  expect((await get(two, "/a")).text).toBe("/a 2");
  // What cannot be reached now may come back: only a new generation is sure.
  expect(await one.admin.call(purgePages, { params: { siteId: 8 }, body: { path: "/a" } })).toMatchObject({ isComplete: false });
  await redis.restart();
  await shares(one);
  await get(one, "/back");
  await kept(1);
});

onRedis("a Redis that hangs is waited for once or twice for its time, then no longer, and is used again when it answers", async () => {
  await using one = await startSharing({ BACKLOT_ROUTER_REDIS_MS: "50" });
  kill(redis.pid, "SIGSTOP");
  try {
    for (let index = 0; index < 8; index += 1) expect((await get(one, `/${index}`)).status).toBe(200);
    await expect.poll(() => stateOf(one), { timeout: 20_000 }).toBe("away");
    const many = await Promise.all(Array.from({ length: 50 }, (_, index) => get(one, `/many/${index}`)));
    expect(new Set(many.map((reply) => reply.status))).toEqual(new Set([200]));
  } finally {
    kill(redis.pid, "SIGCONT");
  }
  await shares(one);
});
