import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { purgeCache } from "#contract/api/cache.ts";
import { changePath } from "#contract/api/files.ts";
import { deploySite, restartSite, updateSite } from "#contract/api/sites.ts";
import type { BodyInputOf } from "#contract/endpoint.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import { packedEntries } from "../support/backlot-archive.ts";
import type { Person } from "../support/backlot-person.ts";
import { visit } from "../support/backlot-visit.ts";
import { type CutLink, openLink } from "../support/cut-link.ts";
import { edgeMissing } from "../support/edge-router.ts";
import { type ExtraRouter, planRouter } from "../support/extra-router.ts";

// Tells which start of it answers and how often it was asked, by whoever wants to know that without asking too.
const program = `
const { createServer } = require("node:http");
const started = Date.now() + "-" + process.pid;
let count = 0;
createServer((req, res) => {
  if (req.url === "/asked") return res.end(String(count));
  count += 1;
  res.writeHead(200, { "Cache-Control": "max-age=600", "Cache-Tag": req.url.includes("tagged") ? "front, all" : "all" });
  res.end(started + " " + count);
}).listen(Number(process.env.PORT), process.env.HOST);
`;
const runSh = "#!/bin/sh\nexec node server.cjs\n";
const edge = edgeMissing() === null ? { BACKLOT_EDGE: "haproxy", BACKLOT_EDGE_VISITOR_REQUESTS: "100000000" } : {};
const pages = ["/a/1", "/a/1?of=2", "/a/tagged", "/b/tagged", "/c"] as const;
const none = pages.map(() => false);
const every = pages.map(() => true);
const params = { name: "news" };
const patience = { timeout: 60_000, interval: 50 };

describe("pages that two routers keep, each in its own memory", { timeout: 180_000 }, () => {
  let backlot: Backlot;
  let second: ExtraRouter;
  let ann: Person;
  /** From manager and worker to the second router, and from that one to the manager. */
  let toSecond: CutLink;
  let toManager: CutLink;

  const doors = (): readonly string[] => [backlot.router, second.door];
  const ask = async (door: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<string> => {
    const { status, text } = await visit(door, { host: "news.localhost", path }, { headers });
    expect({ path, status, text }).toMatchObject({ status: 200 });
    return text;
  };
  const textsAt = (door: string): Promise<readonly string[]> => Promise.all(pages.map((path) => ask(door, path)));
  const texts = () => Promise.all(doors().map(textsAt));
  const asked = async (): Promise<number> => Number(await ask(backlot.router, "/asked", { cookie: "a=1" }));
  const purge = (body: BodyInputOf<typeof purgeCache>) => ann.client.call(purgeCache, { params, body });
  /** What both keep now; each has asked for its own. */
  async function kept() {
    const before = await texts();
    expect(await texts()).toEqual(before);
    expect(new Set(before.flat()).size).toBe(2 * pages.length);
    return before;
  }
  /** Which pages each of them had to ask the program for, after this was done; and what was answered to it. */
  async function renewedBy<T>(act: () => Promise<T>) {
    const before = await kept();
    const count = await asked();
    const answer = await act();
    const after = await texts();
    const renewed = after.map((door, place) => door.map((text, index) => text !== before[place]?.[index]));
    return { answer, renewed, count: (await asked()) - count };
  }
  const isRenewed = async (door: string, before: readonly string[] | undefined) => (await textsAt(door)).map((text, index) => text !== before?.[index]);

  beforeAll(async () => {
    [toSecond, toManager] = [await openLink(), await openLink()];
    second = await planRouter({ BACKLOT_MANAGER_URL: toManager.url, ...edge });
    toSecond.target = second.adminUrl;
    backlot = await startBacklot({ environment: { BACKLOT_ROUTER_URLS: toSecond.url, ...edge } });
    toManager.target = backlot.manager;
    await second.start(backlot);
    ann = await backlot.addPerson("ann");
    await ann.createSite("news", "dynamic");
    await ann.put("news", "server.cjs", program);
    await ann.put("news", "run.sh", runSh);
    await ann.client.call(changePath, { params: { name: "news", "*": "run.sh" }, body: { executable: true } });
    const { operation } = await ann.client.call(updateSite, { params, body: { cache: { isOn: true } } });
    if (operation !== null) await ann.succeeded(operation);
    for (const door of doors()) await ask(door, "/asked", { cookie: "a=1" });
    // Files that are changed make what is kept go a moment later: when this one has done so, those before have.
    const before = await texts();
    await ann.put("news", "public/first.txt", "changed");
    await vi.waitFor(async () => {
      for (const [place, door] of doors().entries()) expect(await isRenewed(door, before[place])).toEqual(every);
    }, patience);
  }, 180_000);
  afterAll(async () => {
    await second?.[Symbol.asyncDispose]();
    await backlot?.[Symbol.asyncDispose]();
    await toSecond?.[Symbol.asyncDispose]();
    await toManager?.[Symbol.asyncDispose]();
  });

  test.each([
    [{ path: "/a/1" }, [true, true, false, false, false]],
    [{ path: "/a/1?of=2" }, [false, true, false, false, false]],
    [{ prefix: "/a/" }, [true, true, true, false, false]],
    [{ tag: "front" }, [false, false, true, true, false]],
    [{ tag: "nobody's" }, none],
  ] as const)("an order for %j reaches both, which ask the program anew for exactly those", async (body, expected) => {
    const gone = 2 * expected.filter(Boolean).length;
    expect(await renewedBy(() => purge(body))).toEqual({ answer: { removed: gone, away: 0 }, renewed: [expected, expected], count: gone });
  });

  test("an order for everything, a restart, a deployment and a changed file reach both", async () => {
    expect(await renewedBy(() => purge({}))).toEqual({ answer: { removed: null, away: 0 }, renewed: [every, every], count: 2 * pages.length });
    const restarted = await renewedBy(async () => ann.succeeded((await ann.client.call(restartSite, { params })).operation));
    expect(restarted.renewed).toEqual([every, every]);
    const files = [
      { header: { name: "run.sh", mode: 0o755 }, content: runSh },
      { header: { name: "server.cjs" }, content: program },
    ];
    const archive = new Uint8Array(await packedEntries(files));
    const deployed = await renewedBy(async () => ann.succeeded((await ann.client.call(deploySite, { params, body: archive })).operation));
    expect(deployed.renewed).toEqual([every, every]);
    const before = await kept();
    await ann.put("news", "public/note.txt", "changed");
    for (const [place, door] of doors().entries()) await expect.poll(() => isRenewed(door, before[place]), patience).toEqual(every);
  });

  test.each([
    ["refuses", [{ path: "/c" }, {}]],
    ["silent", [{}]],
  ] as const)(
    "with the way to one of them cut (state: %s) an order for one page is carried out for all of them, at that one by its feed, and the answer says so",
    async (state, bodies) => {
      const before = await kept();
      toSecond.set(state);
      try {
        for (const body of bodies) {
          const askedAt = performance.now();
          expect(await purge(body)).toEqual({ removed: null, away: 1 });
          // Who says nothing is waited for, and not for ever.
          expect(performance.now() - askedAt).toBeLessThan(60_000);
        }
        expect(await isRenewed(backlot.router, before[0])).toEqual(every);
        await expect.poll(() => isRenewed(second.door, before[1]), patience).toEqual(every);
      } finally {
        toSecond.set("open");
      }
      // A connection of before may be tried once more.
      await expect.poll(() => purge({}), patience).toEqual({ removed: null, away: 0 });
      await kept();
      expect(await purge({ path: "/c" })).toEqual({ removed: 2, away: 0 });
    },
  );

  test("one that is cut off altogether goes on with what it has, and forgets it as soon as it reaches the manager again", async () => {
    const before = await kept();
    for (const link of [toSecond, toManager]) link.set("refuses");
    try {
      expect(await purge({ path: "/c" })).toEqual({ removed: null, away: 1 });
      expect([await isRenewed(backlot.router, before[0]), await isRenewed(second.door, before[1])]).toEqual([every, none]);
    } finally {
      toManager.set("open");
    }
    await expect.poll(() => isRenewed(second.door, before[1]), patience).toEqual(every);
    toSecond.set("open");
    await expect.poll(() => purge({}), patience).toEqual({ removed: null, away: 0 });
    expect(await renewedBy(() => purge({ path: "/c" }))).toMatchObject({ answer: { removed: 2, away: 0 }, count: 2 });
  });

  test("one that answers and has no feed makes the order fail, and a second one succeeds when it has one again", async () => {
    const before = await kept();
    toManager.set("refuses");
    try {
      await expect(purge({})).rejects.toMatchObject({ code: "not_ready" });
      expect(await isRenewed(second.door, before[1])).toEqual(none);
    } finally {
      toManager.set("open");
    }
    await expect.poll(() => purge({}).catch(({ code }: { code?: string }) => code), patience).toEqual({ removed: null, away: 0 });
    expect((await Promise.all(doors().map((door, place) => isRenewed(door, before[place])))).flat()).toEqual([...every, ...every]);
  });
});
