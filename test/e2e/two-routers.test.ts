import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changePath } from "#contract/api/files.ts";
import { readStatus, restartSite, sleepSite, updateSite } from "#contract/api/sites.ts";
import { readTraffic } from "#contract/api/traffic.ts";
import { commandSocket } from "#router/edge/haproxy/command-socket.ts";
import { edgeUser, prepareRunFolder } from "#router/edge/run-folder.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import type { Person } from "../support/backlot-person.ts";
import { killIfThere, processesWhere } from "../support/backlot-processes.ts";
import { type Visited, visit } from "../support/backlot-visit.ts";
import { edgeMissing } from "../support/edge-router.ts";
import { type ExtraRouter, planRouter } from "../support/extra-router.ts";
import { titled, whyNoSandbox } from "../support/needs.ts";

/** Without a sandbox an ordinary user does not know all processes of a program, and freezes none. */
const noFreezing = whyNoSandbox();
const patience = { timeout: 60_000, interval: 50 };
const missing = edgeMissing();
/** Where it can be tried, each stands behind a HAProxy and an nginx of its own. */
const edge = missing === null ? { BACKLOT_EDGE: "haproxy", BACKLOT_EDGE_VISITOR_REQUESTS: "100000000" } : {};

// Says which start of it answers, and how many it has answered; it thinks about one question for a while.
const program = (word: string) => `const { appendFileSync, readFileSync } = require("node:fs");
appendFileSync("private/starts", "x");
const start = readFileSync("private/starts", "utf8").length;
let asked = 0;
require("node:http").createServer((request, response) => {
  const answer = JSON.stringify({ word: "${word}", start, asked: ++asked });
  setTimeout(() => response.end(answer), request.url === "/slow" ? 100 : 0);
}).listen(process.env.PORT, process.env.HOST);`;

interface Told {
  readonly word: string;
  readonly start: number;
  readonly asked: number;
}

describe("two routers on one orchestrator and one manager", { timeout: 180_000 }, () => {
  let backlot: Backlot;
  let second: ExtraRouter;
  let admin: Person;

  const doors = (): readonly string[] => [backlot.router, second.door];
  const at = (door: string, site: string, path = "/"): Promise<Visited> => visit(door, { host: `${site}.localhost`, path });
  const atBoth = (site: string): Promise<readonly Visited[]> => Promise.all(doors().map((door) => at(door, site)));
  const ask = async (door: string, path?: string): Promise<Told> => JSON.parse((await at(door, "greeter", path)).text) as Told;
  const stateOf = async (): Promise<string> => (await admin.client.call(readStatus, { params: { name: "greeter" } })).state;

  beforeAll(async () => {
    second = await planRouter({ BACKLOT_ROUTER_FREEZE_SECONDS: "2", ...edge });
    backlot = await startBacklot({
      environment: { BACKLOT_ROUTER_URLS: second.adminUrl, BACKLOT_ROUTER_FREEZE_SECONDS: "2", BACKLOT_REST_LOOK_MS: "100", ...edge },
    });
    admin = await backlot.admin();
    await second.start(backlot);
    await admin.createSite("papers", "static");
    await admin.put("papers", "public/index.html", "<h1>hello</h1>");
    await admin.createSite("greeter", "dynamic");
    await admin.put("greeter", "server.js", program("first"));
    await admin.put("greeter", "run.sh", "#!/bin/sh\nexec node server.js\n");
    await admin.client.call(changePath, { params: { name: "greeter", "*": "run.sh" }, body: { executable: true } });
  }, 180_000);
  afterAll(async () => {
    await second?.[Symbol.asyncDispose]();
    await backlot?.[Symbol.asyncDispose]();
  });

  test("both serve files; when an operation has succeeded, what it changed is so at both", async () => {
    expect((await atBoth("papers")).map(({ status, text }) => [status, text])).toEqual(doors().map(() => [200, "<h1>hello</h1>"]));
    const statuses = async (): Promise<number[]> => (await atBoth("papers")).map(({ status }) => status);
    for (const [availability, status] of [
      ["not-served", 503],
      ["disabled", 403],
      ["enabled", 200],
    ] as const) {
      const { operation } = await admin.client.call(updateSite, { params: { name: "papers" }, body: { availability, reason: "a test" } });
      if (operation !== null) await admin.succeeded(operation);
      expect(await statuses()).toEqual([status, status]);
    }
    await admin.createSite("late", "static");
    await admin.put("late", "public/index.html", "late");
    expect((await atBoth("late")).map(({ text }) => text)).toEqual(["late", "late"]);
  });

  test("visitors of both wake the same site at once, and it is started once", async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => ask(doors()[index % 2] ?? "")));
    expect(new Set(answers.map(({ start }) => start))).toEqual(new Set([1]));
    expect(new Set(answers.map(({ asked }) => asked)).size).toBe(40);
    expect((await admin.get("greeter", "private/starts")).toString()).toBe("x");
  });

  test.skipIf(noFreezing !== null)(
    titled(
      "while one of them has visitors the site neither freezes nor sleeps, whatever the other would like; without any it rests, and both may have it back",
      noFreezing,
    ),
    async () => {
      await Promise.all(doors().map((door) => ask(door)));
      for (const door of doors()) {
        const { start, asked } = await ask(door);
        const until = performance.now() + 5_000;
        let count = asked;
        // The other lets it go after two seconds, and is told that somebody else still wants it.
        while (performance.now() < until) {
          const told = await ask(door, "/slow");
          count += 1;
          expect(told).toMatchObject({ start, asked: count });
          const askedAt = performance.now();
          const state = await stateOf();
          // A machine that was busy for two seconds would have let it rest.
          if (performance.now() - askedAt < 1_000) expect(state).toBe("running");
        }
      }
      await expect.poll(stateOf, patience).toBe("frozen");
      const [one, other] = await Promise.all(doors().map((door) => ask(door)));
      expect([one?.start, other?.start]).toEqual([1, 1]);
      const { operation } = await admin.client.call(sleepSite, { params: { name: "greeter" } });
      await admin.succeeded(operation);
      expect(await stateOf()).toBe("asleep");
      const woken = await Promise.all([...doors(), ...doors()].map((door) => ask(door)));
      expect(new Set(woken.map(({ start }) => start))).toEqual(new Set([2]));
    },
  );

  test("a restart under the load of both loses no request, and both go to the new program", async () => {
    const visitors = load(doors().map((door) => () => ask(door).then(({ word }) => word)));
    await admin.put("greeter", "server.js", program("second"));
    const { operation } = await admin.client.call(restartSite, { params: { name: "greeter" } });
    await admin.succeeded(operation);
    expect((await Promise.all(doors().map((door) => ask(door)))).map(({ word }) => word)).toEqual(["second", "second"]);
    expect(await visitors.stop()).toEqual(["first", "second"]);
  });

  test.skipIf(missing !== null)(titled("each has a HAProxy and an nginx, which serve files and the running program past it", missing), async () => {
    const sent = async (data: string, backend: string): Promise<number> => {
      const folder = await prepareRunFolder(data, edgeUser(undefined));
      const [head = "", ...lines] = (await commandSocket(join(folder, "commands.sock"))("show stat")).replace(/^# /, "").split("\n");
      const fields = lines.find((line) => line.startsWith(`${backend},`))?.split(",") ?? [];
      return Number(fields[head.split(",").indexOf("stot")]);
    };
    for (const [door, data] of [
      [backlot.router, backlot.data],
      [second.door, second.data],
    ] as const) {
      const before = [await sent(data, "static,nginx"), await sent(data, "live,kept")];
      const now = async (): Promise<boolean[]> => {
        await Promise.all([at(door, "papers"), ask(door)]);
        return [(await sent(data, "static,nginx")) > (before[0] ?? 0), (await sent(data, "live,kept")) > (before[1] ?? 0)];
      };
      await expect.poll(now, patience).toEqual([true, true]);
    }
  });

  test("what both answered is added up for the site's members", async () => {
    // Nobody else asks for it: HAProxy tells of what it answered by its log, a moment later.
    await admin.createSite("tally", "static");
    const counted = async () => {
      const { traffic } = await admin.client.call(readTraffic, { params: { name: "tally" }, query: {} });
      return { ...traffic, requests: traffic.points.reduce((sum, { requests }) => sum + requests, 0) };
    };
    const before = await counted();
    expect(before).toMatchObject({ range: "hour", stepSeconds: 60, routers: 2, away: 0, requests: 0 });
    expect(before.points).toHaveLength(60);
    for (let count = 0; count < 3; count += 1) await atBoth("tally");
    await expect.poll(async () => (await counted()).requests, patience).toBe(6);
  });

  test("one that is killed takes nothing with it: visitors of the other notice nothing, and it is there again with all routes", async () => {
    const pid = routerPid(backlot);
    const visitors = load([() => at(second.door, "papers").then(({ status }) => status), () => ask(second.door).then(({ word }) => word)]);
    killIfThere(pid);
    await expect.poll(() => at(backlot.router, "papers").then(({ status }) => status, String), patience).toBe(200);
    expect((await ask(backlot.router)).word).toBe("second");
    // Its HAProxy goes on without it.
    await expect.poll(() => routerPid(backlot), patience).not.toBe(pid);
    expect(await visitors.stop()).toEqual([200, "second"]);
    // Whoever is turned elsewhere while it is not back is told so by HAProxy: only then it is one of two again.
    await expect.poll(() => at(backlot.router, "nobody").then(({ status }) => status), patience).toBe(404);
    const routers = async () => (await admin.client.call(readTraffic, { params: { name: "papers" }, query: {} })).traffic;
    await expect.poll(routers, patience).toMatchObject({ routers: 2, away: 0 });
  });

  test.skipIf(noFreezing !== null)(titled("while one is gone for good the other is enough: to serve, to wake, and for operations", noFreezing), async () => {
    const visitors = load([() => at(backlot.router, "papers").then(({ status }) => status), () => ask(backlot.router).then(({ word }) => word)]);
    await second.kill();
    const { operation } = await admin.client.call(restartSite, { params: { name: "greeter" } });
    expect((await admin.succeeded(operation)).state).toBe("succeeded");
    expect(await visitors.stop()).toEqual([200, "second"]);
    await admin.succeeded((await admin.client.call(sleepSite, { params: { name: "greeter" } })).operation);
    expect((await ask(backlot.router)).word).toBe("second");
    const { traffic } = await admin.client.call(readTraffic, { params: { name: "papers" }, query: { range: "day" } });
    expect(traffic).toMatchObject({ range: "day", stepSeconds: 3600, routers: 1, away: 1 });
    // Nobody waits for what it claimed.
    await expect.poll(stateOf, { ...patience, timeout: 120_000 }).toBe("frozen");
  });
});

function routerPid(backlot: Backlot): number {
  const [found] = processesWhere(({ parent, command }) => parent === backlot.pid && / run router /.test(command));
  if (found === undefined) throw new Error("the router does not run");
  return found.pid;
}

/** Asks again and again, each on a connection of its own. Gives every kind of outcome, sorted. */
function load(asks: readonly (() => Promise<string | number>)[]): { stop(): Promise<readonly (string | number)[]> } {
  const outcomes = new Set<string | number>();
  let isOver = false;
  const visitors = [...asks, ...asks].map(async (once) => {
    while (!isOver) outcomes.add(await once().catch(String));
  });
  return {
    stop: async () => {
      isOver = true;
      await Promise.all(visitors);
      return [...outcomes].toSorted();
    },
  };
}
