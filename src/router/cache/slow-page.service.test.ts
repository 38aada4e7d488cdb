import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { afterEach, expect, test, vi } from "vitest";
import { purgePages } from "#contract/internal/router.ts";
import { stageCached } from "../../../test/support/cached-stage.ts";

afterEach(() => vi.useRealTimers());

/** A page whose answer has begun, and has taken so long that nobody is kept waiting for it any more. */
async function scene() {
  const finish = Promise.withResolvers<void>();
  const site = await stageCached(async (req, res, count) => {
    res.setHeader("Cache-Control", "max-age=60");
    if (req.method === "GET") res.write(`page ${count}`);
    if (count === 2) await finish.promise;
    res.end();
  });
  await site.get("/awake");
  const { hostname, port } = new URL(site.router.door);
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  const asked = request({ hostname, port, path: "/slow", headers: { host: "app.localhost" }, agent: false }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  vi.advanceTimersByTime(10_000);
  vi.useRealTimers();
  const complete = async (): Promise<void> => {
    finish.resolve();
    response.resume();
    await once(response, "end");
  };
  return { site, complete, [Symbol.asyncDispose]: () => site[Symbol.asyncDispose]() };
}

test("a page that takes long to come is kept when it is there", async () => {
  await using it = await scene();
  await it.complete();
  expect((await it.site.get("/slow")).text).toBe("page 2");
});

test("a purge reaches a page that takes long to come", async () => {
  await using it = await scene();
  await it.site.router.admin.call(purgePages, { params: { siteId: 8 }, body: { path: "/slow" } });
  await it.complete();
  expect((await it.site.get("/slow")).text).toBe("page 3");
});

test("a request that changes something reaches a page of its address that takes long to come", async () => {
  await using it = await scene();
  expect((await it.site.get("/slow", {}, "POST")).status).toBe(200);
  await it.complete();
  expect((await it.site.get("/slow")).text).toBe("page 4");
});
