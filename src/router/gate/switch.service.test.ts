import { Agent, request } from "node:http";
import { expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import { awaitRoutes, holdSite, releaseSite, switchSite } from "#contract/internal/router.ts";
import { createComponentClient } from "#kit/component-client.ts";
import { aRoute, type RouterHarness, startRouter, visit } from "../../../test/support/router-harness.ts";
import { type SiteProgram, startProgram } from "../../../test/support/site-program.ts";

const host = "app.localhost";
const target = (program: SiteProgram, instance: string) => ({ address: program.address, instance });
const params = { siteId: 8 };

const startSite = () => startRouter({ routes: [aRoute({ siteId: 8, name: "app" })] });

/** Asks again and again on kept connections until it is told to stop; gives every status or error, and every body. */
function load(
  router: RouterHarness,
  connections: number,
): { readonly asked: () => number; stop(): Promise<{ readonly outcomes: Map<string, number>; readonly bodies: Set<string> }> } {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const { hostname, port } = new URL(router.door);
  const outcomes = new Map<string, number>();
  const bodies = new Set<string>();
  let isOver = false;
  const once = (method: string): Promise<void> =>
    new Promise((resolve) => {
      const note = (outcome: string): void => {
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        resolve();
      };
      const asked = request({ hostname, port, agent, method, headers: { host } }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => {
          bodies.add(text);
          note(String(response.statusCode));
        });
      });
      asked.on("error", (error) => note(error.message));
      asked.end(method === "POST" ? "x".repeat(5000) : undefined);
    });
  const workers = Array.from({ length: connections }, async (_, index) => {
    while (!isOver) await once(index % 4 === 0 ? "POST" : "GET");
  });
  return {
    asked: () => [...outcomes.values()].reduce((sum, count) => sum + count, 0),
    stop: async () => {
      isOver = true;
      await Promise.all(workers);
      agent.destroy();
      return { outcomes, bodies };
    },
  };
}

test("switching back and forth between two instances under load loses no request", async () => {
  await using first = await startProgram((req, res) => req.resume().on("end", () => res.end("first")));
  await using second = await startProgram((req, res) => req.resume().on("end", () => res.end("second")));
  await using router = await startSite();
  router.orchestrator.onWake = () => target(first, "first");
  const visitors = load(router, 16);
  for (let round = 0; round < 20 || visitors.asked() < 600; round += 1) {
    const [program, name] = round % 2 === 0 ? [second, "second"] : [first, "first"];
    const { inFlight } = await router.admin.call(switchSite, { params, body: { target: target(program, `${name}-${round}`), drainMs: 10_000 } });
    expect(inFlight).toBe(0);
  }
  const { outcomes, bodies } = await visitors.stop();
  expect([...outcomes.keys()]).toEqual(["200"]);
  expect(bodies).toEqual(new Set(["first", "second"]));
});

test("holding, stopping the old instance and releasing to the new one under load loses no request", async () => {
  await using router = await startSite();
  const start = () => startProgram((req, res) => req.resume().on("end", () => res.end("ok")));
  let program = await start();
  router.orchestrator.onWake = () => target(program, "first");
  const visitors = load(router, 16);
  for (let round = 0; round < 20; round += 1) {
    expect(await router.admin.call(holdSite, { params, body: {} })).toEqual({ inFlight: 0 });
    // Nothing is under way: the program can be ended without anyone noticing.
    await program[Symbol.asyncDispose]();
    program = await start();
    // Every other time nobody says where it listens now, and the waiting requests wake it.
    await router.admin.call(releaseSite, { params, body: { target: round % 2 === 0 ? target(program, `round-${round}`) : null } });
  }
  const { outcomes } = await visitors.stop();
  expect([...outcomes.keys()]).toEqual(["200"]);
  await program[Symbol.asyncDispose]();
});

test("a hold tells what is still under way when its time is over", async () => {
  const finish = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  await using program = await startProgram(async (_req, res) => {
    begun.resolve();
    await finish.promise;
    res.end("late");
  });
  await using router = await startSite();
  router.orchestrator.onWake = () => target(program, "one");
  const slow = visit(router.door, { host });
  await begun.promise;
  expect(await router.admin.call(holdSite, { params, body: { drainMs: 50 } })).toEqual({ inFlight: 1 });
  finish.resolve();
  expect((await slow).text).toBe("late");
  await router.admin.call(releaseSite, { params, body: { target: null } });
});

test("waiting for a version of the routes ends when the router has it", async () => {
  await using router = await startSite();
  const waiting = router.admin.call(awaitRoutes, { body: { version: router.manager.version + 1 } });
  router.manager.upsert(aRoute({ siteId: 9, name: "new", kind: "static" }));
  expect(await waiting).toEqual({ version: router.manager.version });
  expect((await visit(router.door, { host: "new.localhost" })).status).toBe(404);
});

test("nobody steers traffic without a grant for exactly that", async () => {
  await using router = await startSite();
  const as =
    (caller: "worker" | "orchestrator", verbs: readonly string[], site: number | "*", audience: "router" | "orchestrator" = "router") =>
    async () => {
      const token = await router.managerSigner.sign({ aud: audience, sub: caller, site, verbs: verbs as ["route.hold"] });
      const reply = await fetch(`${router.adminDoor}/v1/sites/8/hold`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: "{}",
      });
      return reply.status;
    };
  expect(await as("worker", ["route.hold"], 8)()).toBe(200);
  expect(await as("worker", ["route.hold"], 9)()).toBe(403);
  expect(await as("worker", ["route.read"], "*")()).toBe(403);
  expect(await as("orchestrator", ["route.hold"], "*")()).toBe(403);
  expect(await as("worker", ["route.hold"], 8, "orchestrator")()).toBe(403);
  expect((await fetch(`${router.adminDoor}/v1/sites/8/hold`, { method: "POST" })).status).toBe(401);
  const stranger = createComponentClient({ baseUrl: router.adminDoor, audience: "router", caller: "worker", signer: { sign: async () => "made.up.token" } });
  await expect(stranger.call(holdSite, { params, body: {} })).rejects.toThrow(Failure);
});

test("an address that another site has by now is nobody else's: who asks for the first one wakes it", async () => {
  await using shared = await startProgram((_req, res) => res.end("second's page"));
  await using own = await startProgram((_req, res) => res.end("first's page"));
  await using router = await startRouter({ routes: [aRoute({ siteId: 8, name: "app" }), aRoute({ siteId: 9, name: "other" })] });
  router.orchestrator.onWake = () => ({ address: shared.address, instance: "before" });
  expect((await visit(router.door, { host })).text).toBe("second's page");
  // The orchestrator was killed, both programs with it; the second site is woken first, at the first one's address.
  router.orchestrator.onWake = (siteId) => ({ address: siteId === 9 ? shared.address : own.address, instance: `after-${siteId}` });
  expect((await visit(router.door, { host: "other.localhost" })).text).toBe("second's page");
  expect((await visit(router.door, { host })).text).toBe("first's page");
  expect(router.orchestrator.wakes).toEqual([8, 9, 8]);
  // The same by the control plane's word.
  await router.admin.call(switchSite, { params: { siteId: 9 }, body: { target: target(own, "moved") } });
  router.orchestrator.onWake = () => ({ address: shared.address, instance: "again" });
  expect((await visit(router.door, { host })).text).toBe("second's page");
});

test("nobody is sent to the platform's own doors or to what is nobody's, whoever says that the site is there", async () => {
  await using program = await startProgram((_req, res) => res.end("the site"));
  await using router = await startSite();
  const { port } = new URL(router.manager.url);
  const places = [
    { host: "127.0.0.1", port: Number(port) },
    // All of loopback is this machine.
    { host: "127.1.2.3", port: Number(port) },
    { host: "127.0.0.1", port: Number(new URL(router.orchestrator.url).port) },
    { host: "169.254.169.254", port: 80 },
    { host: "0.0.0.0", port: Number(port) },
  ];
  for (const address of places) {
    router.orchestrator.onWake = () => ({ address, instance: "stray" });
    const { status, text } = await visit(router.door, { host, headers: { accept: "application/json" } });
    expect([status, text]).toEqual([502, expect.stringContaining("an address that no site has")]);
    const strayed = router.admin.call(switchSite, { params, body: { target: { address, instance: "stray" } } });
    await expect(strayed).rejects.toMatchObject({ code: "site_unreachable" });
    await expect(router.admin.call(releaseSite, { params, body: { target: { address, instance: "stray" } } })).rejects.toThrow("no site has");
  }
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  expect((await visit(router.door, { host })).text).toBe("the site");
});
