// A page that the router keeps, beside the same page asked of the program each time, and beside nginx' proxy_cache where it is installed, in one run.
import { tmpdir } from "node:os";
import { type RouterChild, startRouterChild } from "../test/support/router-child.ts";
import { aRoute, startRouter } from "../test/support/router-harness.ts";
import { startBenchChild } from "./support/bench-child.ts";
import { runLoad } from "./support/http-load.ts";
import { startNginx } from "./support/nginx.ts";
import { processUsage } from "./support/process-usage.ts";
import type { Table } from "./support/table.ts";

const connections = 32;
// Together under ten seconds: Age has one digit then, and all answers one length.
const secondsOf = { warmUp: 2, measure: 5 };
const cache = {
  generation: 1,
  defaultSeconds: 5_000,
  revalidateSeconds: 0,
  staleSeconds: 0,
  sharesSignedIn: false,
  bytes: 16_777_216,
};

/** Measures and gives the table. */
export async function run(): Promise<Table> {
  await using upstream = await startBenchChild("upstream-program");
  let child: RouterChild | undefined;
  await using router = await startRouter({
    routes: [aRoute({ siteId: 1, name: "app" }), aRoute({ siteId: 2, name: "cached", cache })],
    environment: { BACKLOT_ROUTER_SWEEP_MS: "250" },
    launch: async (environment) => {
      child = await startRouterChild(environment);
      return child;
    },
  });
  const { hostname, port } = new URL(upstream.url);
  router.orchestrator.onWake = () => ({ address: { host: hostname, port: Number(port) }, instance: "only" });
  await using nginx = await startNginx(upstream.url, tmpdir());
  const ours = { url: router.door, pid: child?.pid ?? 0 };
  const contenders = [
    { name: "router, not cached", ...ours, host: "app.localhost" },
    { name: "router, cached", ...ours, host: "cached.localhost" },
    ...(nginx === null
      ? []
      : [
          { name: "nginx, not cached", ...nginx, host: "app.localhost" },
          { name: "nginx, proxy_cache", ...nginx, host: "cached.localhost" },
        ]),
  ];
  const rows: string[][] = [["1 KiB over keep-alive", "requests/s", "p50 ms", "p99 ms", "CPU µs/request", "failures"]];
  for (const { name, url, pid, host } of contenders) {
    const plan = { url, host, path: "/page", connections };
    await runLoad({ ...plan, seconds: secondsOf.warmUp });
    const before = processUsage(pid);
    const result = await runLoad({ ...plan, seconds: secondsOf.measure });
    const cpuMicros = (processUsage(pid).cpuMicros - before.cpuMicros) / result.requests;
    rows.push([name, result.requestsPerSecond.toFixed(0), result.p50Ms.toFixed(2), result.p99Ms.toFixed(2), cpuMicros.toFixed(1), String(result.failures)]);
  }
  return rows;
}
