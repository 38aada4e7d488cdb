import { expect, test } from "vitest";
import { silentLog } from "#kit/log.ts";
import { aRoute } from "../../../test/support/router-harness.ts";
import { createMetrics } from "../metrics.ts";
import type { ConnectionPool } from "../proxy/upstream-pool.ts";
import { RouteTable } from "../routes/route-table.ts";
import { SiteGates } from "./site-gates.ts";

const pool: ConnectionPool = { take: () => undefined, connect: () => undefined, giveBack: () => undefined, close: () => undefined, end: () => undefined };

/** Gates whose clock is turned by hand, and what they asked for. */
function scene(table: RouteTable) {
  const time = { now: 1_000_000 };
  const asked: string[] = [];
  const gates = new SiteGates({
    table,
    log: silentLog(),
    metrics: createMetrics(),
    now: () => time.now,
    wake: () => Promise.reject(new Error("nobody wakes here")),
    sleep: async () => void asked.push("sleep"),
    freeze: async () => {
      asked.push("freeze");
      return "rests";
    },
    claim: async () => [],
    freezeMs: 60_000,
    claimMs: 1e9,
    isForbidden: () => false,
    createPool: () => pool,
    waitMs: 30_000,
    mostWaiting: 3,
    mostInFlight: 2,
    sweepMs: 1e9,
    shutGraceMs: 0,
  });
  const pass = (ms: number): readonly string[] => {
    time.now += ms;
    gates.sweep();
    return asked;
  };
  return { gates, pass };
}

test("a site that was always awake counts as used until it may rest: visitors may have come past the router", () => {
  const table = new RouteTable();
  table.replace([aRoute({ siteId: 7, name: "app", idleSeconds: null })], 1);
  const { gates, pass } = scene(table);
  gates.of(7).switchTo({ address: { host: "10.0.0.1", port: 5000 }, instance: "one" });
  expect(pass(3_600_000)).toEqual([]);
  table.change([aRoute({ siteId: 7, name: "app", idleSeconds: 600 })], [], 2);
  expect(pass(59_000)).toEqual([]);
  expect(pass(1_000)).toEqual(["freeze"]);
  gates.stop();
});
