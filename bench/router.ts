// Static and proxied requests through the embedded router, beside npm's http-proxy and nginx where it is installed, in one run; and how soon a new
// route is seen.
import { dirname } from "node:path";
import { type RouterChild, startRouterChild } from "../test/support/router-child.ts";
import { aRoute, putFile, startRouter } from "../test/support/router-harness.ts";
import { startBenchChild } from "./support/bench-child.ts";
import { runLoad } from "./support/http-load.ts";
import { startNginx } from "./support/nginx.ts";
import { processUsage } from "./support/process-usage.ts";
import { routeChangeMs } from "./support/route-change.ts";
import type { Table } from "./support/table.ts";

interface Contender {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  readonly host: string;
  readonly path: string;
}

const connections = 32;
const secondsOf = { warmUp: 2, measure: 5 };
const app = { host: "app.localhost", path: "/" };
const files = { host: "static.localhost", path: "/file.txt" };

/** Measures and gives the table. The router holds 10,000 routes, of which two are used. */
export async function run(): Promise<Table> {
  await using upstream = await startBenchChild("upstream-program");
  await using peer = await startBenchChild("http-proxy-program", [upstream.url]);
  let child: RouterChild | undefined;
  const others = Array.from({ length: 9_998 }, (_, index) => aRoute({ siteId: index + 10, name: `site-${index}` }));
  await using router = await startRouter({
    routes: [aRoute({ siteId: 1, name: "static", kind: "static" }), aRoute({ siteId: 2, name: "app", idleSeconds: 3600 }), ...others],
    environment: { BACKLOT_ROUTER_SWEEP_MS: "250" },
    launch: async (environment) => {
      child = await startRouterChild(environment);
      return child;
    },
  });
  const { hostname, port } = new URL(upstream.url);
  router.orchestrator.onWake = () => ({ address: { host: hostname, port: Number(port) }, instance: "only" });
  const file = await putFile(router, 1, "public/file.txt", "x".repeat(1024));
  await using nginx = await startNginx(upstream.url, dirname(file));
  const ours = { url: router.door, pid: child?.pid ?? 0 };
  const contenders: readonly Contender[] = [
    { name: "the program itself, no proxy", ...upstream, ...app },
    { name: "router, proxied", ...ours, ...app },
    { name: "http-proxy (keep-alive agent)", ...peer, ...app },
    ...(nginx === null ? [] : [{ name: "nginx, proxied", ...nginx, ...app }]),
    { name: "router, static file", ...ours, ...files },
    ...(nginx === null ? [] : [{ name: "nginx, static file", ...nginx, ...files }]),
  ];
  const rows: string[][] = [["1 KiB over keep-alive", "requests/s", "p50 ms", "p99 ms", "CPU µs/request", "memory MB", "failures"]];
  for (const contender of contenders) rows.push(await measure(contender));
  const [p50, p95] = await routeChangeMs(router);
  rows.push(["router, route change seen by a visitor, 10,000 routes", "", p50.toFixed(1), `${p95.toFixed(1)} (p95)`, "", "", ""]);
  return rows;
}

async function measure({ name, url, pid, host, path }: Contender): Promise<string[]> {
  const plan = { url, host, path, connections };
  await runLoad({ ...plan, seconds: secondsOf.warmUp });
  const before = processUsage(pid);
  const result = await runLoad({ ...plan, seconds: secondsOf.measure });
  const after = processUsage(pid);
  const cpu = (after.cpuMicros - before.cpuMicros) / result.requests;
  const memory = after.residentBytes / 1_000_000;
  return [
    name,
    result.requestsPerSecond.toFixed(0),
    result.p50Ms.toFixed(2),
    result.p99Ms.toFixed(2),
    cpu.toFixed(1),
    memory.toFixed(0),
    String(result.failures),
  ];
}
