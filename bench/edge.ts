// Static and proxied requests through our HAProxy with ever more routes, beside a hand-written HAProxy and an nginx with as many server blocks, how soon
// a new route is seen, and how soon a HAProxy that was killed serves all of them again.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isAlive } from "../test/support/backlot-processes.ts";
import { edgeMissing, startEdgeRouter, takeSiteHost } from "../test/support/edge-router.ts";
import { watchRefill } from "../test/support/haproxy-refill.ts";
import { startRouterChild } from "../test/support/router-child.ts";
import { aRoute, putFile, type RouterHarness, visit } from "../test/support/router-harness.ts";
import { startBenchChild } from "./support/bench-child.ts";
import { runLoad } from "./support/http-load.ts";
import { onlyChildOf, startManyServersNginx, startPlainHaproxy } from "./support/plain-edge.ts";
import { processUsage } from "./support/process-usage.ts";
import { routeChangeMs } from "./support/route-change.ts";
import { quantile, type Table } from "./support/table.ts";

const connections = 32;
const secondsOf = { warmUp: 1, measure: 1.5 };
const routeCounts = [10, 1_000, 10_000] as const;
const app = { host: "app.localhost", path: "/" };
const files = { host: "static.localhost", path: "/file.txt" };
/** Short ones, so that what a round is compared with was measured in the same two seconds: the machine is not alone. */
const rounds = 7;
const reloads = 5;
interface Contender {
  readonly name: string;
  readonly url: string;
  /** The process that balances. */
  readonly pid: number;
  readonly host: string;
  readonly path: string;
  /** Whom it is compared with, for the same work. */
  readonly beside: string | null;
}

/** Measures and gives the table. */
export async function run(): Promise<Table> {
  const reason = edgeMissing();
  if (reason !== null) return [["edge"], [`not measured: ${reason}`]];
  using host = takeSiteHost();
  await using upstream = await startBenchChild("upstream-program", [host.address]);
  const rows: string[][] = [
    [
      "1 KiB over keep-alive, one thread each",
      `requests/s (median of ${rounds})`,
      "of hand-written (median of the rounds)",
      "p50 ms",
      "p99 ms",
      "CPU µs/request",
      "failures",
    ],
  ];
  const changes: string[][] = [];
  for (const count of routeCounts) {
    const others = Array.from({ length: count - 2 }, (_, index) => aRoute({ siteId: index + 10, name: `site-${index}`, kind: "static" }));
    let routerPid = 0;
    await using router = await startEdgeRouter([aRoute({ siteId: 1, name: "static", kind: "static" }), aRoute({ siteId: 2, name: "app" }), ...others], {
      environment: { BACKLOT_ROUTER_SWEEP_MS: "250" },
      launch: async (environment) => {
        const child = await startRouterChild(environment);
        routerPid = child.pid;
        return child;
      },
    });
    const { hostname, port } = new URL(upstream.url);
    router.orchestrator.onWake = () => ({ address: { host: hostname, port: Number(port) }, instance: "only" });
    const file = await putFile(router, 1, "public/file.txt", "x".repeat(1024));
    await untilDirect(router);
    const pid = await onlyChildOf(await masterOf(router));
    const nginxSocket = await nginxSocketOf(pid);
    await using plain = await startPlainHaproxy(count, { upstream: upstream.url, root: dirname(file), nginxSocket });
    await using servers = await startManyServersNginx(count, { upstream: upstream.url, root: dirname(file) });
    const byHand = { url: plain.url, pid: plain.pid, beside: null };
    const proxied = `hand-written HAProxy, proxied, ${count} routes`;
    const same = `hand-written HAProxy, static by Backlot's nginx, ${count} routes`;
    const plainest = `hand-written HAProxy, static by its own nginx, ${count} routes`;
    const contenders: readonly Contender[] = [
      { name: proxied, ...byHand, ...app },
      { name: `Backlot's HAProxy, proxied, ${count} routes`, url: router.door, pid, ...app, beside: proxied },
      { name: `nginx, proxied, ${count} server blocks`, url: servers.url, pid: servers.pid, ...app, beside: proxied },
      { name: same, ...byHand, ...files, host: "same.localhost" },
      { name: `Backlot's HAProxy, static by nginx, ${count} routes`, url: router.door, pid, ...files, beside: same },
      { name: plainest, ...byHand, ...files, beside: same },
      { name: `nginx, static, ${count} server blocks`, url: servers.url, pid: servers.pid, ...files, beside: same },
    ];
    rows.push(...(await measureAll(contenders)));
    changes.push([
      `route change seen, ${count} routes: Backlot's HAProxy`,
      `${(await routeChangeMs(router)).map((ms) => ms.toFixed(1)).join(" / ")} ms (p50 / p95)`,
    ]);
    changes.push([
      `route change seen, ${count} server blocks: nginx reload`,
      `${quantile(await reloadsOf(servers), 0.5).toFixed(1)} ms (median of ${reloads})`,
    ]);
    const killed = await killedMs(router, routerPid);
    changes.push(
      [`HAProxy killed, a file / a program is served again, ${count} routes`, `${killed.file.toFixed(0)} / ${killed.program.toFixed(0)} ms`],
      [`HAProxy killed, told all routes anew after its first answer, ${count} routes`, `${killed.refill.toFixed(0)} ms`],
    );
  }
  return [...rows, ...changes.map(([name = "", value = ""]) => [name, value, "", "", "", "", ""])];
}

// One after the other, several times, so that a busy moment of the machine meets all of them.
async function measureAll(contenders: readonly Contender[]): Promise<readonly string[][]> {
  const results = contenders.map(() => ({ perSecond: [] as number[], p50: [] as number[], p99: [] as number[], cpu: [] as number[], failures: 0 }));
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { url, pid, host, path }] of contenders.entries()) {
      const plan = { url, host, path, connections };
      if (round === 0) await runLoad({ ...plan, seconds: secondsOf.warmUp });
      const before = processUsage(pid).cpuMicros;
      const result = await runLoad({ ...plan, seconds: secondsOf.measure });
      const all = results[index];
      all?.perSecond.push(result.requestsPerSecond);
      all?.p50.push(result.p50Ms);
      all?.p99.push(result.p99Ms);
      all?.cpu.push((processUsage(pid).cpuMicros - before) / result.requests);
      if (all !== undefined) all.failures += result.failures;
    }
  }
  return results.map(({ perSecond, p50, p99, cpu, failures }, index) => {
    const mine = quantile(perSecond, 0.5);
    const base = results[contenders.findIndex(({ name }) => name === contenders[index]?.beside)];
    const shares = perSecond.map((each, round) => each / (base?.perSecond[round] ?? Number.NaN));
    const share = base === undefined ? "" : quantile(shares, 0.5).toFixed(2);
    return [
      contenders[index]?.name ?? "",
      mine.toFixed(0),
      share,
      quantile(p50, 0.5).toFixed(2),
      quantile(p99, 0.5).toFixed(2),
      quantile(cpu, 0.5).toFixed(1),
      String(failures),
    ];
  });
}

async function reloadsOf(servers: { reloadMs(): Promise<number> }): Promise<readonly number[]> {
  const times: number[] = [];
  for (let reload = 0; reload < reloads; reload += 1) times.push(await servers.reloadMs());
  return times;
}

// It only watches; its worker does the work.
async function masterOf(router: RouterHarness): Promise<number> {
  const { pid } = JSON.parse(await readFile(join(router.data, "router", "programs", "haproxy.json"), "utf8")) as { readonly pid: number };
  return pid;
}

// It stands in the configuration that this HAProxy was started with.
async function nginxSocketOf(haproxy: number): Promise<string> {
  const words = (await readFile(`/proc/${haproxy}/cmdline`, "utf8")).split("\0");
  const config = await readFile(words[words.indexOf("-f") + 1] ?? "", "utf8");
  const socket = /server nginx unix@(\S+)/.exec(config)?.[1];
  if (socket === undefined) throw new Error("HAProxy's configuration names no nginx");
  return socket;
}

/** From the death of master and worker until a file, and then until a program is reached past the router; and how long the routes took of that. */
async function killedMs(router: RouterHarness, routerPid: number): Promise<{ readonly file: number; readonly program: number; readonly refill: number }> {
  const master = await masterOf(router);
  const worker = await onlyChildOf(master);
  const startedAt = performance.now();
  for (const pid of [worker, master]) process.kill(pid, "SIGKILL");
  // A signal takes a moment: what it still answers does not count.
  while (isAlive(worker)) await delay(1);
  const refill = watchRefill(router.data, routerPid);
  while ((await visit(router.door, { host: "static.localhost", path: "/file.txt" }).catch(() => null))?.status !== 200) {
    if (performance.now() - startedAt > 60_000) throw new Error("HAProxy did not come back");
    await delay(2);
  }
  const file = performance.now() - startedAt;
  await untilDirect(router);
  return { file, program: performance.now() - startedAt, refill: (await refill).clockMs };
}

async function untilDirect(router: RouterHarness): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    const reply = await visit(router.door, { host: "app.localhost", path: "/direct" }).catch(() => null);
    // HAProxy writes the names of headers small, the router as the program wrote them; both are the program's answer.
    if (reply?.headers["x-direct"] !== undefined) return;
  }
  throw new Error("the site is not reached past the router");
}
