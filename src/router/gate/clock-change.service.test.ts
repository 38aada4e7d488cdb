import type { RequestListener } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { cachedApp } from "../../../test/support/cached-stage.ts";
import { aRoute, startRouter, visit } from "../../../test/support/router-harness.ts";
import { startProgram, until } from "../../../test/support/site-program.ts";

const hourMs = 3_600_000;
/** Longer than a turn of the clock that looks for connections that are overdue, and than many of the gates'. */
const severalTurnsMs = 1500;

afterEach(() => vi.restoreAllMocks());

/** The machine's clock, which can be set to another hour. Whoever asks for the time from now on asks this one. */
function clock(): { setBy(ms: number): void } {
  const now = Date.now.bind(Date);
  let offsetMs = 0;
  vi.spyOn(Date, "now").mockImplementation(() => now() + offsetMs);
  return {
    setBy: (ms) => {
      offsetMs += ms;
    },
  };
}

test("a machine's clock that is set to another hour puts no site to sleep, and ends neither waits nor requests", async () => {
  const time = clock();
  const finish = Promise.withResolvers<void>();
  let slow = 0;
  const answer: RequestListener = async (req, res) => {
    if (req.url === "/slow") {
      slow += 1;
      await finish.promise;
    }
    res.end("ok");
  };
  // No two sites are at one address.
  await using idle = await startProgram(answer);
  await using kept = await startProgram(answer);
  await using busy = await startProgram(answer);
  await using late = await startProgram(answer);
  const programs = new Map([idle, kept, busy, late].map(({ address }, index) => [6 + index, address]));
  const routes = [
    aRoute({ siteId: 6, name: "idle", idleSeconds: 60 }),
    { ...cachedApp(), siteId: 7, name: "kept", hosts: ["kept.localhost"], idleSeconds: 60 },
    aRoute({ siteId: 8, name: "busy", idleSeconds: 60 }),
    aRoute({ siteId: 9, name: "starting" }),
  ];
  await using router = await startRouter({ routes });
  router.orchestrator.onWake = async (siteId) => {
    if (siteId === 9) await finish.promise;
    return { address: programs.get(siteId) ?? late.address, instance: `of-${siteId}` };
  };
  await visit(router.door, { host: "busy.localhost" });
  const working = visit(router.door, { host: "busy.localhost", path: "/slow" });
  const starting = visit(router.door, { host: "starting.localhost" });
  await until(() => slow === 1 && router.orchestrator.wakes.includes(9), "requests are under way");
  const visitBoth = async (path: string): Promise<void> => {
    for (const host of ["idle.localhost", "kept.localhost"]) await visit(router.door, { host, path });
  };
  await visitBoth("/before");
  time.setBy(hourMs);
  await delay(severalTurnsMs);
  // What is noted of a visit goes by the same clock.
  time.setBy(-2 * hourMs);
  await visitBoth("/after");
  await delay(severalTurnsMs);
  finish.resolve();
  const [worked, started] = [(await working).status, (await starting).status];
  expect({ sleeps: router.orchestrator.sleeps, freezes: router.orchestrator.freezes, worked, started }).toEqual({
    sleeps: [],
    freezes: [],
    worked: 200,
    started: 200,
  });
});

test("a machine's clock that is set back keeps no site awake", async () => {
  const time = clock();
  await using program = await startProgram((_req, res) => res.end("ok"));
  await using router = await startRouter({ routes: [aRoute({ siteId: 7, name: "idle", idleSeconds: 2 })] });
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  await visit(router.door, { host: "idle.localhost" });
  time.setBy(-hourMs);
  await expect.poll(() => router.orchestrator.sleeps, { timeout: 20_000, interval: 20 }).toEqual([{ siteId: 7, instance: "one" }]);
});
