import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { silentLog } from "#kit/log.ts";
import { createMetrics } from "../metrics.ts";
import { Waker } from "./waker.ts";

async function listening(answer: Parameters<typeof createServer>[1]): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer(answer ?? (() => undefined)).listen(0, "127.0.0.1");
  await once(server, "listening");
  // A TCP server that listens has an address of this kind.
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

it("asks another orchestrator as soon as the site is that one's, although the one before never answers", async () => {
  // As a machine whose power went: its connections stand, and nobody is there.
  const gone = await listening(() => undefined);
  const heir = await listening((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(
      JSON.stringify({
        address: { host: "10.0.0.2", port: 1234 },
        instance: "there",
        bootMs: 1,
        status: { state: "running", reason: null, since: new Date(0).toISOString() },
      }),
    );
  });
  let orchestrator = gone.url;
  const waker = new Waker({
    credentials: () => ({ orchestrator, grant: "grant", isOneOfSeveral: true }),
    orchestrators: () => [orchestrator],
    log: silentLog(),
    metrics: createMetrics(),
    wakeMs: 60_000,
    awayMs: 100,
  });
  const woken = waker.wake(1);
  await once(gone.server, "request");
  orchestrator = heir.url;
  expect(await woken).toEqual({ address: { host: "10.0.0.2", port: 1234 }, instance: "there" });
  gone.server.closeAllConnections();
  for (const { server } of [gone, heir]) server.close();
});

it("tells an orchestrator where visitors are sent, also that nobody is, and forgets one that the feed names no more", async () => {
  const told: string[] = [];
  const orchestratorOf = (name: string) =>
    listening((_request, response) => {
      told.push(name);
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ lost: [] }));
    });
  const [before, after] = [await orchestratorOf("before"), await orchestratorOf("after")];
  let orchestrator = before.url;
  const waker = new Waker({
    credentials: () => ({ orchestrator, grant: "grant" }),
    orchestrators: () => [orchestrator],
    log: silentLog(),
    metrics: createMetrics(),
    wakeMs: 60_000,
    awayMs: 100,
  });
  await waker.claim([[1, "one"]]);
  await waker.claim([]);
  expect(told).toEqual(["before", "before"]);
  orchestrator = after.url;
  await waker.claim([[1, "two"]]);
  await waker.claim([]);
  expect(told.slice(2)).toEqual(["after", "after"]);
  for (const { server } of [before, after]) server.close();
});

it("tells each of several orchestrators of its own sites, in their order, however many they are", async () => {
  const told = new Map<string, unknown>();
  const orchestratorOf = (name: string) =>
    listening(async (request, response) => {
      const { instances } = JSON.parse(await text(request)) as { readonly instances: readonly unknown[] };
      told.set(name, instances);
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ lost: instances.slice(0, 1) }));
    });
  const [even, odd] = [await orchestratorOf("even"), await orchestratorOf("odd")];
  const waker = new Waker({
    credentials: (siteId) => ({ orchestrator: siteId % 2 === 0 ? even.url : odd.url, grant: "grant" }),
    orchestrators: () => [even.url, odd.url],
    log: silentLog(),
    metrics: createMetrics(),
    wakeMs: 60_000,
    awayMs: 100,
  });
  const claimed = Array.from({ length: 20_000 }, (_, index) => [index + 1, `instance-${index + 1}`] as const);
  const lost = await waker.claim(claimed);
  expect(told).toEqual(new Map(["even", "odd"].map((name, rest) => [name, claimed.filter(([siteId]) => siteId % 2 === rest)])));
  expect(lost.toSorted(([one], [other]) => one - other)).toEqual(claimed.slice(0, 2));
  for (const { server } of [even, odd]) server.close();
});
