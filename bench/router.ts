// Static and proxied requests through the embedded router, beside npm's http-proxy, in one run: `node bench/router.ts`.
import { pathToFileURL } from "node:url";
import { type BenchChild, startBenchChild } from "./support/bench-child.ts";
import { runLoad } from "./support/http-load.ts";

/** A table for people: the first row names the columns. */
export type Table = readonly (readonly string[])[];

interface Contender {
  readonly name: string;
  readonly child: BenchChild;
  readonly host: string;
  readonly path: string;
}

const connections = 32;
const secondsOf = { warmUp: 2, measure: 5 };

/** Measures and gives the table. */
export async function run(): Promise<Table> {
  await using upstream = await startBenchChild("upstream-program");
  await using router = await startBenchChild("router-program", [upstream.url]);
  await using peer = await startBenchChild("http-proxy-program", [upstream.url]);
  const contenders: readonly Contender[] = [
    { name: "the program itself, no proxy", child: upstream, host: "app.localhost", path: "/" },
    { name: "router, proxied", child: router, host: "app.localhost", path: "/" },
    { name: "http-proxy (keep-alive agent)", child: peer, host: "app.localhost", path: "/" },
    { name: "router, static file", child: router, host: "static.localhost", path: "/file.txt" },
  ];
  const rows: string[][] = [["1 KiB over keep-alive", "requests/s", "p50 ms", "p99 ms", "CPU µs/request", "memory MB", "failures"]];
  for (const contender of contenders) rows.push(await measure(contender));
  return rows;
}

async function measure({ name, child, host, path }: Contender): Promise<string[]> {
  const plan = { url: child.url, host, path, connections };
  await runLoad({ ...plan, seconds: secondsOf.warmUp });
  const before = await child.usage();
  const result = await runLoad({ ...plan, seconds: secondsOf.measure });
  const after = await child.usage();
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

/** The table as Markdown. */
export function markdown(table: Table): string {
  const [head = [], ...rows] = table;
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) process.stdout.write(`${markdown(await run())}\n`);
