import { PassThrough } from "node:stream";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../log.ts";
import { Farewell } from "./farewell.ts";
import { createServer } from "./server.ts";

let app: FastifyInstance;
let farewell: Farewell;
let url: string;
let began: PromiseWithResolvers<void>;
let finish: PromiseWithResolvers<void>;

beforeEach(async () => {
  [began, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  app = createServer({ log: silentLog() });
  farewell = new Farewell();
  farewell.watch(app);
  app.get("/slow", async () => {
    began.resolve();
    await finish.promise;
    return "done";
  });
  app.get("/events", async (_request, reply) => {
    const stream = new PassThrough();
    stream.write(": open\n\n");
    return reply.type("text/event-stream").send(stream);
  });
  url = await app.listen({ host: "127.0.0.1", port: 0 });
});
afterEach(async () => {
  finish.resolve();
  await app.close();
});

const isReady = async (): Promise<number> => (await fetch(`${url}/readyz`)).status;

test("a balancer hears that it is about to end, and requests are answered until they have", async () => {
  expect(await isReady()).toBe(200);
  const slow = fetch(`${url}/slow`).then((response) => response.text());
  await began.promise;
  let hasEnded = false;
  const ended = farewell.end().then(() => {
    hasEnded = true;
  });
  expect(await isReady()).toBe(404);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect(hasEnded).toBe(false);
  finish.resolve();
  await ended;
  expect(await slow).toBe("done");
});

test("streams of events are not waited for, and without a balancer nothing is", async () => {
  const events = new AbortController();
  expect((await fetch(`${url}/events`, { signal: events.signal })).status).toBe(200);
  const startedAt = performance.now();
  await farewell.end();
  expect(performance.now() - startedAt).toBeLessThan(700);
  events.abort();
});

test("a request whose client goes first is forgotten, and nobody waits for it", async () => {
  const gone = new AbortController();
  expect((await fetch(`${url}/events`, { signal: gone.signal })).status).toBe(200);
  const slow = fetch(`${url}/slow`, { signal: gone.signal }).catch(() => "gone");
  await began.promise;
  expect(farewell.underWay).toBe(2);
  gone.abort();
  expect(await slow).toBe("gone");
  await expect.poll(() => farewell.underWay, { timeout: 20_000 }).toBe(0);
});
