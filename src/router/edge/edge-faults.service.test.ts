import { readFile } from "node:fs/promises";
import { request } from "node:http";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { holdSite, releaseSite, switchSite } from "#contract/internal/router.ts";
import { isAlive } from "../../../test/support/backlot-processes.ts";
import { edgeMissing, type HostedProgram, type SiteHost, startEdgeRouter, startHostedProgram, takeSiteHost } from "../../../test/support/edge-router.ts";
import { heldMap, type Refill, watchRefill } from "../../../test/support/haproxy-refill.ts";
import { type RouterChild, startRouterChild } from "../../../test/support/router-child.ts";
import { aRoute, putFile, type Reply, type RouterHarness, visit } from "../../../test/support/router-harness.ts";
import { until } from "../../../test/support/site-program.ts";
import { commandSocket } from "./haproxy/command-socket.ts";

const missing = edgeMissing();
const app = aRoute({ siteId: 8, name: "app" });
const pages = aRoute({ siteId: 105, name: "pages", kind: "static" });
/** Never wakes. */
const stuck = aRoute({ siteId: 9, name: "stuck" });

describe.skipIf(missing !== null)(`Faults of HAProxy, nginx and the router${missing === null ? "" : ` (${missing})`}`, { timeout: 120_000 }, () => {
  let host: SiteHost;
  let program: HostedProgram;
  let router: RouterHarness;
  let child: RouterChild;
  let late = Promise.withResolvers<void>();

  const page = (): Promise<Reply> => visit(router.door, { host: "pages.localhost" });
  const direct = async (): Promise<string | undefined> => (await visit(router.door, { host: "app.localhost" })).headers["x-address"] as string | undefined;
  const isDirect = (): Promise<void> => expect.poll(() => direct().catch(() => "refused"), { timeout: 30_000, interval: 20 }).toBe(keyOf(program));
  const pidOf = async (name: string): Promise<number> => {
    const text = await readFile(path.join(router.data, "router", "programs", `${name}.json`), "utf8");
    return (JSON.parse(text) as { pid: number }).pid;
  };
  /** How long it takes until both kinds of sites are served again, the dynamic one past the router. */
  const untilServed = async (): Promise<number> => {
    const startedAt = performance.now();
    await expect
      .poll(
        () =>
          page().then(
            ({ status }) => status,
            () => 0,
          ),
        { timeout: 30_000, interval: 10 },
      )
      .toBe(200);
    await isDirect();
    return performance.now() - startedAt;
  };

  beforeAll(async () => {
    host = takeSiteHost();
    program = await startHostedProgram(host.address, (req, res) => {
      if (req.url === "/slow") return;
      if (req.url === "/late") {
        void late.promise.then(() => res.end("late"));
        return;
      }
      res.setHeader("x-address", req.headers["x-backlot-address"] ?? "none");
      res.end("ok");
    });
    router = await startEdgeRouter([app, pages, stuck], {
      environment: { BACKLOT_EDGE_STATIC_SERVERS: "2" },
      launch: async (environment) => {
        child = await startRouterChild(environment);
        return child;
      },
    });
    router.orchestrator.onWake = (siteId) => (siteId === 8 ? { address: program.address, instance: "one" } : new Promise(() => undefined));
    await putFile(router, 105, "public/index.html", "<h1>hello</h1>");
  }, 120_000);
  afterAll(async () => {
    late.resolve();
    await router?.[Symbol.asyncDispose]();
    await program?.stop();
    host?.[Symbol.dispose]();
  });

  test("a HAProxy that is killed in mid-request, worker or master, is there again with all its routes", async () => {
    await untilServed();
    const took: number[] = [];
    for (const which of ["worker", "master"]) {
      const ended = new Promise((resolve) => {
        request({ ...doorOf(router.door), path: "/slow", headers: { host: "app.localhost" } })
          .on("error", resolve)
          .end();
      });
      await until(() => program.busy() > 0, "the slow request has come");
      const master = await pidOf("haproxy");
      process.kill(which === "master" ? master : await workerOf(master), "SIGKILL");
      await ended;
      took.push(await untilServed());
      // It serves before the router has written down which one it is.
      await expect.poll(() => pidOf("haproxy"), { timeout: 30_000 }).not.toBe(master);
      await untilServed();
    }
    console.info(`served again after ${took.map((ms) => `${ms.toFixed(0)} ms`).join(", ")}`);
    // A new process on a busy machine takes its time; that its routes take less than a second is asserted below.
    for (const ms of took) expect(ms).toBeLessThan(10_000);
  });

  /** In HAProxy's own words: whether a static server is up, and how many requests it has had. */
  const staticServer = async (name: string): Promise<{ readonly status: string; readonly requests: number }> => {
    const [head = "", ...lines] = (await commandSocket(path.join(await runFolder(router), "commands.sock"))("show stat static 4 -1")).split("\n");
    const names = head.replace(/^# /, "").split(",");
    const fields = (lines.find((line) => line.startsWith(`static,${name},`)) ?? "").split(",");
    return { status: fields[names.indexOf("status")] ?? "", requests: Number(fields[names.indexOf("stot")]) };
  };
  const isUp = (name: string): Promise<void> => expect.poll(async () => (await staticServer(name)).status, { timeout: 30_000 }).toBe("UP");

  test("of two nginx each is enough: one that is killed under load loses no request, and has its share again when it is back", async () => {
    await untilServed();
    for (const [killed, other] of [
      ["nginx", "nginx2"],
      ["nginx2", "nginx"],
    ] as const) {
      await Promise.all([isUp(killed), isUp(other)]);
      let isOver = false;
      const outcomes = new Set<string | number>();
      const visitors = Array.from({ length: 4 }, async () => {
        while (!isOver) outcomes.add(await page().then(({ status }) => status, String));
      });
      const before = (await staticServer(other)).requests;
      const record = killed.replace("2", "-2");
      const pid = await pidOf(record);
      process.kill(pid, "SIGKILL");
      await expect.poll(async () => (await staticServer(other)).requests, { timeout: 30_000 }).toBeGreaterThan(before + 20);
      await expect.poll(() => pidOf(record), { timeout: 30_000 }).not.toBe(pid);
      await isUp(killed);
      const again = (await staticServer(killed)).requests;
      await expect.poll(async () => (await staticServer(killed)).requests, { timeout: 30_000 }).toBeGreaterThan(again + 20);
      isOver = true;
      await Promise.all(visitors);
      expect([...outcomes]).toEqual([200]);
    }
  });

  test("while all nginx are away the router serves the files, and starts them again", async () => {
    await untilServed();
    const masters = [await pidOf("nginx"), await pidOf("nginx-2")];
    for (const pid of masters) process.kill(pid, "SIGKILL");
    for (let count = 0; count < 20; count += 1) expect((await page()).text).toBe("<h1>hello</h1>");
    await expect.poll(async () => !masters.includes(await pidOf("nginx")) && !masters.includes(await pidOf("nginx-2")), { timeout: 30_000 }).toBe(true);
    await expect.poll(async () => (await page()).headers.etag, { timeout: 30_000 }).toMatch(/^"[0-9a-f]+-[0-9a-f]+"$/);
  });

  test("while the router is away HAProxy and nginx serve what runs; the next router finds them, and knows nothing less", async () => {
    await untilServed();
    const before = [await pidOf("haproxy"), await pidOf("nginx"), await pidOf("nginx-2")];
    let isOver = false;
    const outcomes = new Set<string | number>();
    const visitors = Array.from({ length: 4 }, async (_, index) => {
      while (!isOver) outcomes.add(await (index % 2 === 0 ? page().then(({ status }) => status) : direct().then((key) => key ?? "none")).catch(String));
    });
    const underWay = visit(router.door, { host: "app.localhost", path: "/late" });
    await until(() => program.busy() > 0, "a request is under way past the router");
    const waiting = visit(router.door, { host: "stuck.localhost" });
    await until(() => router.orchestrator.wakes.includes(9), "another one waits in the router");
    await child.kill();
    // What was past the router notices nothing; who waited in it hears at once that nobody answers.
    expect((await waiting).status).toBe(502);
    late.resolve();
    expect((await underWay).text).toBe("late");
    late = Promise.withResolvers();
    expect((await page()).text).toBe("<h1>hello</h1>");
    expect(await direct()).toBe(keyOf(program));
    const asleep = await visit(router.door, { host: "nobody.localhost", headers: { accept: "text/html" } });
    expect([asleep.status, asleep.headers["retry-after"]]).toEqual([503, "5"]);
    await router.restart(async () => undefined);
    await untilServed();
    isOver = true;
    await Promise.all(visitors);
    // The next router knows at first of no program that runs, and asks: visitors come to it meanwhile.
    expect([...outcomes].filter((outcome) => outcome !== 200 && outcome !== keyOf(program) && outcome !== "none")).toEqual([]);
    expect([await pidOf("haproxy"), await pidOf("nginx"), await pidOf("nginx-2")]).toEqual(before);
    router.manager.upsert({ ...pages, availability: "not-served" });
    await router.settled();
    expect((await page()).status).toBe(503);
    router.manager.upsert(pages);
    await router.settled();
  });

  test("thousands of routes are added and changed while visitors come", async () => {
    const names = Array.from({ length: 3000 }, (_, index) => aRoute({ siteId: 1000 + index, name: `site-${index}`, kind: "static" }));
    await putFile(router, 1000, "public/index.html", "first");
    let isOver = false;
    const outcomes = new Set<string | number | undefined>();
    const visitors = Array.from({ length: 4 }, async (_, index) => {
      while (!isOver) outcomes.add(await (index % 2 === 0 ? page().then(({ status }) => status) : direct()).catch(String));
    });
    router.manager.upsert(...names);
    await router.settled();
    expect((await visit(router.door, { host: "site-0.localhost" })).text).toBe("first");
    for (let round = 0; round < 10; round += 1)
      router.manager.upsert(...names.slice(round * 300, round * 300 + 300).map((route) => ({ ...route, availability: "not-served" as const })));
    await router.settled();
    expect((await visit(router.door, { host: "site-0.localhost" })).status).toBe(503);
    router.manager.upsert(...names.slice(0, 10).map((route, index) => ({ ...route, hosts: [`site-${9 - index}.localhost`] })));
    await router.settled();
    expect((await visit(router.door, { host: "site-9.localhost" })).text).toBe("first");
    isOver = true;
    await Promise.all(visitors);
    // The program closes connections that it thinks idle: a request that meets that comes by way of the router.
    expect([...outcomes].filter((outcome) => outcome !== "none").sort()).toEqual([200, keyOf(program)].sort());
  });

  test("with ten thousand routes a HAProxy that is killed answers every known host rightly from its first moment, and is told all of them anew within a second", async () => {
    const many = Array.from({ length: 10_000 }, (_, index) => aRoute({ siteId: 10_000 + index, name: `many-${index}`, kind: "static" }));
    router.manager.upsert(...many);
    await router.settled();
    const looked = many.filter((_, index) => index % 500 === 499);
    for (const { siteId, name } of looked) await putFile(router, siteId, "public/index.html", name);
    const { entries } = await heldMap(router.data);
    expect(entries).toBeGreaterThan(many.length);
    const wrong: unknown[] = [];
    const refills: Refill[] = [];
    for (let round = 0; round < 3; round += 1) {
      const master = await pidOf("haproxy");
      const pids = [await workerOf(master), master];
      for (const pid of pids) process.kill(pid, "SIGKILL");
      await until(() => !pids.some(isAlive), "both are dead");
      const refill = watchRefill(router.data, child.pid);
      for (const { name } of looked) {
        // Until there is one, nobody answers; whoever answers is right.
        const answered = async () => (await visit(router.door, { host: `${name}.localhost` }).catch(() => null))?.text ?? null;
        await expect.poll(answered, { timeout: 30_000, interval: 5 }).not.toBeNull();
        const text = await answered();
        if (text !== name) wrong.push({ name, text });
      }
      refills.push(await refill);
      // Those from before are taken away bit by bit.
      await expect.poll(async () => (await heldMap(router.data)).entries, { timeout: 30_000 }).toBe(entries);
      await expect.poll(() => pidOf("haproxy"), { timeout: 30_000 }).not.toBe(master);
    }
    console.info(`10,000 routes were told anew ${refills.map(wordsOf).join(", ")} after HAProxy's first answer`);
    expect(wrong).toEqual([]);
    // Issue 5's second; the best of three, and without the time in which others had the processors.
    expect(Math.min(...refills.map(({ unhinderedMs }) => unhinderedMs))).toBeLessThan(1_000);
    router.manager.remove(...many.map(({ siteId }) => siteId));
    await router.settled();
    await untilServed();
  });

  test("an address that another tenant has by now is nobody else's: visitors of its first site wait for that site", async () => {
    const [first, second] = [aRoute({ siteId: 61, name: "first" }), aRoute({ siteId: 62, name: "second" })];
    const program = await startHostedProgram(host.address, (req, res) => res.setHeader("x-address", req.headers["x-backlot-address"] ?? "none").end("second"));
    const other = await startHostedProgram(host.address, (_req, res) => res.setHeader("x-address", "other").end("first"));
    router.manager.upsert(first, second);
    await router.settled();
    const send = (siteId: number, instance: string) =>
      router.admin.call(switchSite, { params: { siteId }, body: { target: { address: program.address, instance }, drainMs: 20_000 } });
    await send(61, "first");
    const at = (name: string): Promise<unknown> => visit(router.door, { host: `${name}.localhost` }).then(({ headers }) => headers["x-address"], String);
    await expect.poll(() => at("first"), { timeout: 20_000 }).toBe(keyOf(program));
    router.orchestrator.onWake = (siteId) => ({ address: siteId === 61 ? other.address : program.address, instance: `woken-${siteId}` });
    const outcomes = new Set<unknown>();
    let isOver = false;
    const visitors = Array.from({ length: 4 }, async () => {
      while (!isOver) outcomes.add(await at("first"));
    });
    await router.admin.call(holdSite, { params: { siteId: 61 }, body: { drainMs: 20_000 } });
    outcomes.clear();
    await send(62, "second");
    await router.admin.call(releaseSite, { params: { siteId: 61 }, body: { target: null } });
    await expect.poll(() => outcomes.size, { timeout: 20_000 }).toBeGreaterThan(0);
    expect([await at("second"), await at("first")]).toEqual([keyOf(program), "other"]);
    isOver = true;
    await Promise.all(visitors);
    expect([...outcomes]).toEqual(["other"]);
    await Promise.all([other.stop(), program.stop()]);
  });

  test("names of sites and hosts never become anything else in the map", async () => {
    const evil = ["x; del map", "a\nb", "a b", "evil.localhost live|127.0.0.1|22|1|k|8", "*.localhost", "#x", "", `${"a".repeat(300)}.localhost`];
    router.manager.upsert(aRoute({ siteId: 5000, name: "evil", kind: "static", hosts: [...evil, "good.localhost"] }));
    await router.settled();
    await putFile(router, 5000, "public/index.html", "good");
    expect((await visit(router.door, { host: "good.localhost" })).text).toBe("good");
    expect((await visit(router.door, { host: "evil.localhost" })).status).toBe(404);
    expect((await page()).status).toBe(200);
    expect(await direct()).toBe(keyOf(program));
  });

  test("a site is not sent to an address that was not given to it: the platform's, the metadata service's, a neighbour of other ports", async () => {
    const program = await startHostedProgram(host.address, (_req, res) => res.end("odd"));
    // Woken again it is at its own address, whatever it was said to be at.
    router.orchestrator.onWake = (siteId) => {
      if (siteId !== 6000) throw new Error(`site ${siteId} is not to be woken here`);
      return { address: program.address, instance: `woken-${router.orchestrator.wakes.length}` };
    };
    router.manager.upsert(aRoute({ siteId: 6000, name: "odd" }));
    await router.settled();
    const send = (address: { readonly host: string; readonly port: number }): Promise<unknown> =>
      router.admin.call(switchSite, { params: { siteId: 6000 }, body: { target: { address, instance: `at-${address.host}` }, drainMs: 20_000 } });
    const inMap = async (): Promise<string> =>
      /^odd\.localhost (.*)$/m.exec(await readFile(path.join(await runFolder(router), "routes.map"), "utf8"))?.[1] ?? "nowhere";
    // The router's own API, whose port is of the system's choice, would answer this with its state.
    const asked = async (address: unknown): Promise<unknown> => {
      const { status, text } = await visit(router.door, { host: "odd.localhost", path: "/readyz" });
      return { address, status, text };
    };
    await send(program.address);
    await expect.poll(inMap, { timeout: 20_000 }).toContain(keyOf(program));
    const [api, door] = [router.adminDoor, router.door].map((url) => ({ host: "127.0.0.1", port: Number(new URL(url).port) }));
    for (const address of [api, door, { host: "169.254.169.254", port: 80 }, { host: "0.0.0.0", port: 8080 }, { host: host.address, port: 22 }]) {
      // What the router refuses too leaves the site where it was; what may be a site's under another runtime goes by way of the router.
      if (address === undefined) throw new Error("the router has two doors");
      const isTaken = await send(address).then(
        () => true,
        () => false,
      );
      if (isTaken) expect(await inMap()).toBe("nowhere");
      expect(await asked(address)).toEqual({ address, status: 200, text: "odd" });
      await send(program.address);
      await expect.poll(inMap, { timeout: 20_000 }).toContain(keyOf(program));
    }
    await program.stop();
  });
});

function wordsOf({ clockMs, unhinderedMs }: Refill): string {
  return `${clockMs.toFixed(0)} ms (${unhinderedMs.toFixed(0)} without waits for a processor)`;
}

function keyOf({ address }: HostedProgram): string {
  return `${address.host}:${address.port}`;
}

function doorOf(door: string): { readonly hostname: string; readonly port: string } {
  const { hostname, port } = new URL(door);
  return { hostname, port };
}

async function workerOf(master: number): Promise<number> {
  const text = await readFile(`/proc/${master}/task/${master}/children`, "utf8");
  return Number(text.trim().split(" ")[0]);
}

async function runFolder(router: RouterHarness): Promise<string> {
  const { edgeUser, prepareRunFolder } = await import("./run-folder.ts");
  return prepareRunFolder(router.data, edgeUser(undefined));
}
