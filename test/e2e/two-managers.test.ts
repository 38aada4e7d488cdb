import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSession, signIn } from "#contract/api/accounts.ts";
import { changePath } from "#contract/api/files.ts";
import { followOperation } from "#contract/api/operations.ts";
import { readLogs, restartSite } from "#contract/api/sites.ts";
import { operationView } from "#contract/api/views.ts";
import { createClient } from "#contract/client.ts";
import { readEvents } from "#contract/events.ts";
import { adminPassword, type Backlot, startBacklot } from "../support/backlot.ts";
import { type Person, signInAs } from "../support/backlot-person.ts";
import { killIfThere, processesWhere } from "../support/backlot-processes.ts";
import { edgeMissing } from "../support/edge-router.ts";
import { type ExtraManager, planManager } from "../support/extra-manager.ts";
import { type ExtraRouter, planRouter } from "../support/extra-router.ts";
import { freePort } from "../support/site-program.ts";

const missing = edgeMissing();
const patience = { timeout: 60_000, interval: 50 };

// Says its visits in its log.
const program = `require("node:http").createServer((request, response) => {
  console.log("visited " + request.url);
  response.end("ok");
}).listen(process.env.PORT, process.env.HOST);\n`;

describe.skipIf(missing !== null)(`two managers behind HAProxy${missing === null ? "" : ` (${missing})`}`, { timeout: 180_000 }, () => {
  let backlot: Backlot;
  let second: ExtraManager;
  let otherRouter: ExtraRouter;
  /** Where people find the dashboard: HAProxy. */
  let door: string;
  let statistics: string;
  let ann: Person;
  let session: Awaited<ReturnType<typeof signInAtDoor>>;

  const signInAtDoor = async () => {
    const response = await createClient({ baseUrl: door }).fetch(signIn, { body: { username: "admin", password: adminPassword } });
    const cookie = response.headers
      .getSetCookie()
      .map((line) => line.split(";")[0])
      .join("; ");
    await response.body?.cancel();
    const headers = { cookie, origin: new URL(door).origin };
    return { who: () => createClient({ baseUrl: door }).call(readSession, { headers }), client: createClient({ baseUrl: door }), headers };
  };

  /** Of each manager in HAProxy's own words: whether it has visitors, and how many requests it has had. */
  const managers = async (): Promise<readonly { readonly status: string; readonly requests: number }[]> => {
    const [head = "", ...lines] = (await (await fetch(`${statistics}/;csv`)).text()).split("\n");
    const names = head.replace(/^# /, "").split(",");
    return ["manager1", "manager2"].map((name) => {
      const fields = (lines.find((line) => line.startsWith(`managers,${name},`)) ?? "").split(",");
      return { status: fields[names.indexOf("status")] ?? "", requests: Number(fields[names.indexOf("stot")]) };
    });
  };
  const states = async (): Promise<readonly string[]> => (await managers()).map(({ status }) => status.replace(/ .*/, ""));

  beforeAll(async () => {
    const [port, first, other, statisticsPort] = [await freePort(), await freePort(), await freePort(), await freePort()];
    door = `http://localhost:${port}`;
    statistics = `http://127.0.0.1:${statisticsPort}`;
    second = planManager(other);
    otherRouter = await planRouter({ BACKLOT_MANAGER_URL: door });
    backlot = await startBacklot({
      environment: {
        BACKLOT_EDGE: "haproxy",
        BACKLOT_PORT: String(first),
        BACKLOT_ROUTER_PORT: String(port),
        BACKLOT_PUBLIC_URL: door,
        BACKLOT_EDGE_MANAGERS: `127.0.0.1:${first},127.0.0.1:${other}`,
        BACKLOT_EDGE_STATISTICS_PORT: String(statisticsPort),
        BACKLOT_EDGE_VISITOR_REQUESTS: "100000000",
        BACKLOT_ROUTER_URLS: otherRouter.adminUrl,
        BACKLOT_TRUST_PROXY: "true",
      },
    });
    await second.start(backlot);
    await otherRouter.start(backlot);
    ann = await signInAs(() => door, "admin", adminPassword);
    session = await signInAtDoor();
    await ann.createSite("greeter", "dynamic");
    await ann.put("greeter", "server.js", program);
    await ann.put("greeter", "run.sh", "#!/bin/sh\nexec node /site/server.js\n");
    await ann.client.call(changePath, { params: { name: "greeter", "*": "run.sh" }, body: { executable: true } });
    expect((await backlot.visit("greeter")).text).toBe("ok");
  }, 180_000);
  afterAll(async () => {
    await Promise.all([second?.[Symbol.asyncDispose](), otherRouter?.[Symbol.asyncDispose]()]);
    await backlot?.[Symbol.asyncDispose]();
  });

  test("requests of one session go to both", async () => {
    await expect.poll(states, patience).toEqual(["UP", "UP"]);
    const before = await managers();
    await Promise.all(Array.from({ length: 40 }, () => session.who()));
    const served = (await managers()).map(({ requests }, index) => requests - (before[index]?.requests ?? 0));
    for (const count of served) expect(count).toBeGreaterThan(5);
  });

  test("one that is killed under load takes with it at most what it had under way: sessions, logs and operations go on, and it is back when it has come again", async () => {
    const load = visitors(session);
    const log = followLog(ann);
    await visitAndFind(log);
    const { operation } = await ann.client.call(restartSite, { params: { name: "greeter" } });
    const progress = followProgress(ann, operation.id);
    await expect.poll(() => load.read() > 100 && progress.views() > 0, patience).toBe(true);
    const underWay = load.writing();
    await second.end("SIGKILL");
    await expect.poll(states, patience).toEqual(["UP", "DOWN"]);
    expect((await ann.ended(operation)).state).toBe("succeeded");
    expect((await progress.last).state).toBe("succeeded");
    await visitAndFind(log);
    const readBefore = load.read();
    await second.start(backlot);
    await expect.poll(states, patience).toEqual(["UP", "UP"]);
    const { requests } = (await managers())[1] ?? { requests: 0 };
    await expect.poll(async () => ((await managers())[1]?.requests ?? 0) - requests > 20 && load.read() > readBefore + 50, patience).toBe(true);
    const { reads, writes } = await load.stop();
    expect(reads).toEqual(["200"]);
    // A request that may not be sent twice is answered that its manager has gone, if it was just there.
    expect(writes.filter((outcome) => outcome !== "200").length).toBeLessThanOrEqual(underWay + 1);
    log.stop();
  });

  test("one that is stopped in order takes nothing with it", async () => {
    const load = visitors(session);
    await expect.poll(() => load.read() > 50, patience).toBe(true);
    await second.end("SIGTERM");
    const before = load.read();
    await expect.poll(() => load.read() > before + 50, patience).toBe(true);
    await second.start(backlot);
    await expect.poll(states, patience).toEqual(["UP", "UP"]);
    const { reads, writes } = await load.stop();
    expect([reads, [...new Set(writes)]]).toEqual([["200"], ["200"]]);
  });

  test("the other one is enough too, worker and all of the first killed with it: who is signed in stays so, what had begun ends", async () => {
    const load = visitors(session);
    await expect.poll(() => load.read() > 50, patience).toBe(true);
    const { operation } = await ann.client.call(restartSite, { params: { name: "greeter" } });
    const [control] = processesWhere(({ parent, command }) => parent === backlot.pid && / run manager,worker/.test(command));
    killIfThere(control?.pid ?? 0);
    const before = load.read();
    await expect.poll(() => load.read() > before + 50, patience).toBe(true);
    expect((await ann.ended(operation)).state).toBe("succeeded");
    await expect.poll(states, patience).toEqual(["UP", "UP"]);
    // The second router hears of routes by way of the same door.
    await ann.createSite("late", "static");
    await ann.put("late", "public/index.html", "late");
    const { visit } = await import("../support/backlot-visit.ts");
    expect((await visit(otherRouter.door, { host: "late.localhost", path: "/" })).text).toBe("late");
    expect((await load.stop()).reads).toEqual(["200"]);
  });

  /** Visits the site, and waits until its log tells of it. */
  const visitAndFind = async (log: { readonly text: () => string }): Promise<void> => {
    const path = `/${Math.random()}`;
    expect((await backlot.visit("greeter", path)).text).toBe("ok");
    await expect.poll(log.text, patience).toContain(`visited ${path}`);
  };
});

interface DoorSession {
  readonly client: ReturnType<typeof createClient>;
  readonly headers: Record<string, string>;
}

/** Reads without end, and changes something now and then, each with the cookie of the same session. */
function visitors({ client, headers }: DoorSession) {
  const reads = new Map<string, number>();
  const writes: string[] = [];
  let writing = 0;
  let isOver = false;
  const outcomeOf = (asked: Promise<unknown>): Promise<string> => asked.then(() => "200", String);
  const reading = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const outcome = await outcomeOf(client.call(readSession, { headers }));
      reads.set(outcome, (reads.get(outcome) ?? 0) + 1);
    }
  });
  const changing = Array.from({ length: 2 }, async () => {
    while (!isOver) {
      writing += 1;
      writes.push(await outcomeOf(client.call(changePath, { params: { name: "greeter", "*": "run.sh" }, body: { executable: true }, headers })));
      writing -= 1;
    }
  });
  return {
    read: () => [...reads.values()].reduce((sum, count) => sum + count, 0),
    writing: () => writing,
    stop: async () => {
      isOver = true;
      await Promise.all([...reading, ...changing]);
      return { reads: [...reads.keys()], writes };
    },
  };
}

/** Follows the site's log as the page and the command line do: again when the stream was cut. */
function followLog(person: Person): { readonly text: () => string; stop(): void } {
  const ending = new AbortController();
  let all = "";
  void (async () => {
    while (!ending.signal.aborted) {
      try {
        const response = await person.client.fetch(readLogs, { params: { name: "greeter" }, query: { tail: 100, follow: true }, signal: ending.signal });
        if (response.body !== null) for await (const { data } of readEvents(response.body)) all += data;
      } catch {
        // It was cut: the next stream begins with the last lines.
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return { text: () => all, stop: () => ending.abort() };
}

/** Follows an operation by its events until it has ended. */
function followProgress(person: Person, id: string) {
  let views = 0;
  const follow = async () => {
    for (const deadline = performance.now() + 90_000; performance.now() < deadline; ) {
      try {
        const response = await person.client.fetch(followOperation, { params: { id } });
        if (response.body === null) continue;
        for await (const { data } of readEvents(response.body)) {
          views += 1;
          const view = operationView.parse(JSON.parse(data));
          if (view.state === "succeeded" || view.state === "failed") return view;
        }
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    throw new Error("the operation's events did not end");
  };
  const last = follow();
  last.catch(() => undefined);
  return { last, views: () => views };
}
