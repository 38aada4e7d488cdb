// What 10, 100 and 1,000 registered sites cost, 99 of 100 of them dynamic and asleep.
import { setTimeout as delay } from "node:timers/promises";
import { createSite } from "#contract/api/sites.ts";
import { type Backlot, startBacklot } from "../test/support/backlot.ts";
import { memoryOf } from "../test/support/backlot-processes.ts";
import { copyOfStarter, startBare } from "./support/bare-spawn.ts";
import { processUsage } from "./support/process-usage.ts";
import type { Table } from "./support/table.ts";

const counts = [10, 100, 1_000];
/** Nothing is asked for this long before idle work is measured: collecting the garbage of a thousand creations is no idle work. */
const quietSeconds = 60;
/** Long enough for two passes of the reconciler. */
const idleSeconds = 60;

/** Measures and gives the table. */
export async function run(): Promise<Table> {
  await using backlot = await startBacklot({ environment: { BACKLOT_SITE_LIMIT: "2000" } });
  const admin = await backlot.admin();
  const rows: string[][] = [
    [
      "registered sites",
      ...["all of Backlot MB", ...groupNames],
      `idle after ${quietSeconds} quiet s, over ${idleSeconds} s, % of a core`,
      ...groupNames.map((name) => `${name} %`),
    ],
  ];
  let made = 0;
  for (const count of counts) {
    while (made < count) {
      const batch = Array.from({ length: Math.min(20, count - made) }, (_, index) => made + index);
      await Promise.all(
        batch.map(async (index) => {
          const kind = index % 100 === 0 ? "static" : "dynamic";
          const { operation } = await admin.client.call(createSite, { body: { name: `site-${index}`, kind, starter: kind === "static" ? "static" : "node" } });
          await admin.succeeded(operation);
        }),
      );
      made += batch.length;
    }
    rows.push([String(count), ...(await measure(backlot))]);
  }
  rows.push(["beside: one Node starter that is left running, by itself", (await leftRunningMegabytes()).toFixed(0)]);
  return rows;
}

/** What a site costs on a platform without sleep: the program alone, its share of the Node binary counted once among eight. */
async function leftRunningMegabytes(): Promise<number> {
  await using copy = await copyOfStarter("node");
  await using programs = new AsyncDisposableStack();
  const pids: number[] = [];
  for (let count = 0; count < 8; count += 1) pids.push(programs.use(await startBare([process.execPath, "server.js"], copy.folder)).pid);
  return sum(pids.map((pid) => memoryOf(pid) / 1_000_000)) / pids.length;
}

const groupNames = ["manager + worker", "router", "orchestrator", "supervisor", "PostgreSQL"] as const;
type GroupName = (typeof groupNames)[number];

// Shares of what processes have in common (the Node binary above all) are counted once: Pss.
async function measure(backlot: Backlot): Promise<readonly string[]> {
  await delay(quietSeconds * 1_000);
  const before = cpuSeconds(backlot);
  await delay(idleSeconds * 1_000);
  const after = cpuSeconds(backlot);
  const shares = groupNames.map((name) => ((after[name] - before[name]) / idleSeconds) * 100);
  const megabytes = perGroup(backlot, (pid) => memoryOf(pid) / 1_000_000);
  const sizes = groupNames.map((name) => megabytes[name]);
  return [...[sum(sizes), ...sizes].map((size) => size.toFixed(0)), ...[sum(shares), ...shares].map((share) => share.toFixed(2))];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function perGroup(backlot: Backlot, read: (pid: number) => number): Record<GroupName, number> {
  const groups: Record<GroupName, number> = { "manager + worker": 0, router: 0, orchestrator: 0, supervisor: 0, PostgreSQL: 0 };
  for (const { pid, command } of backlot.processes()) groups[groupOf(command)] += read(pid);
  return groups;
}

function groupOf(command: string): GroupName {
  if (command.includes("run manager,worker")) return "manager + worker";
  if (command.includes("run router")) return "router";
  if (command.includes("run orchestrator")) return "orchestrator";
  return command.includes("postgres") ? "PostgreSQL" : "supervisor";
}

// What a process that ended meanwhile has used is not counted; none of Backlot's own comes and goes while nothing happens.
function cpuSeconds(backlot: Backlot): Record<GroupName, number> {
  return perGroup(backlot, (pid) => {
    try {
      return processUsage(pid).cpuMicros / 1e6;
    } catch {
      return 0; // gone between being listed and being read
    }
  });
}
