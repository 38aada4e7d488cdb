import { afterEach, expect, test, vi } from "vitest";
import { readEvents } from "#contract/events.ts";
import { Hints } from "#kit/hints.ts";
import { createServer } from "#kit/http/server.ts";
import { silentLog } from "#kit/log.ts";
import { letPass, setClock } from "../../test/support/set-clock.ts";
import { mountRouteFeed, type RouteFeedDeps } from "./route-feed.ts";
import { RouterRoll } from "./router-roll.ts";

afterEach(() => vi.restoreAllMocks());

test("a router hears that the manager is there, and gets its new grant, also when the machine's clock is set back", async () => {
  const changes = async () => ({ version: 1, upserts: [], removed: [] });
  const hints = new Hints();
  const app = createServer({ log: silentLog() });
  mountRouteFeed(app, {
    guard: async () => null,
    routes: { snapshot: changes, since: changes, outdatePages: async () => null },
    signer: { sign: async () => "a grant" } as unknown as RouteFeedDeps["signer"],
    sitesDomain: "localhost",
    fleet: { urlOf: () => "http://127.0.0.1:1", addresses: () => new Map() } as unknown as RouteFeedDeps["fleet"],
    routers: new RouterRoll(),
    hints,
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const end = new AbortController();
  const looking = setInterval(() => hints.notify("routes"), 20);
  try {
    const response = await fetch(`${url}/internal/v1/routes/feed`, { signal: end.signal });
    if (response.body === null) throw new Error("no stream");
    const events = readEvents(response.body);
    const next = async (): Promise<unknown> => JSON.parse((await events.next()).value?.data ?? "null").type;
    expect(await next()).toBe("snapshot");
    setClock(-3_600_000);
    letPass(11_000);
    expect(await next()).toBe("heartbeat");
    letPass(3_700_000);
    expect(await next()).toBe("grant");
  } finally {
    clearInterval(looking);
    end.abort();
    await app.close();
  }
}, 20_000);
