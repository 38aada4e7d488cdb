// What 10, 100 and 1,000 registered sites cost, 99 of 100 of them dynamic and asleep.
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { createSite } from "#contract/api/sites.ts";
import { type Backlot, startBacklot } from "../test/support/backlot.ts";
import { memoryOf } from "../test/support/backlot-processes.ts";
import type { Table } from "./support/table.ts";

const counts = [10, 100, 1_000];
const idleSeconds = 10;

/** Measures and gives the table. */
export async function run(): Promise<Table> {
  await using backlot = await startBacklot({ environment: { BACKLOT_SITE_LIMIT: "2000" } });
  const admin = await backlot.admin();
  const rows: string[][] = [
    ["registered sites", "all of Backlot MB", "manager + worker", "router", "orchestrator", "supervisor", "PostgreSQL", "idle, % of a core"],
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
  return rows;
}

// Shares of what processes have in common (the Node binary above all) are counted once: Pss.
async function measure(backlot: Backlot): Promise<readonly string[]> {
  await delay(3_000);
  const before = cpuSeconds(backlot);
  await delay(idleSeconds * 1_000);
  const idle = ((cpuSeconds(backlot) - before) / idleSeconds) * 100;
  const groups = { control: 0, router: 0, orchestrator: 0, supervisor: 0, postgres: 0 };
  for (const { pid, command } of backlot.processes()) {
    const name = groupOf(command);
    groups[name] += memoryOf(pid) / 1_000_000;
  }
  const total = Object.values(groups).reduce((sum, megabytes) => sum + megabytes, 0);
  const shown = [total, groups.control, groups.router, groups.orchestrator, groups.supervisor, groups.postgres].map((megabytes) => megabytes.toFixed(0));
  return [...shown, idle.toFixed(1)];
}

function groupOf(command: string): "control" | "router" | "orchestrator" | "supervisor" | "postgres" {
  if (command.includes("run manager,worker")) return "control";
  if (command.includes("run router")) return "router";
  if (command.includes("run orchestrator")) return "orchestrator";
  return command.includes("postgres") ? "postgres" : "supervisor";
}

function cpuSeconds(backlot: Backlot): number {
  let ticks = 0;
  for (const { pid } of backlot.processes()) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // Gone between being listed and being read: it used nothing worth counting.
    }
  }
  return ticks / 100;
}
