// From a sleeping or frozen site to the first byte, beside the same program without any platform in the same run.
import { setTimeout as delay } from "node:timers/promises";
import { readStatus, sleepSite } from "#contract/api/sites.ts";
import type { SiteState } from "#contract/site.ts";
import { type Backlot, startBacklot } from "../test/support/backlot.ts";
import type { Person } from "../test/support/backlot-person.ts";
import { type BareProgram, bareSpawnMs, copyOfStarter, startBare } from "./support/bare-spawn.ts";
import { medianAndTail, type Table } from "./support/table.ts";

/** With fewer than forty, the 95th of a hundred is the slowest of all. */
const rounds = 40;
const starters = [
  { name: "node", command: [process.execPath, "server.js"] as const },
  { name: "python", command: ["/usr/bin/python3", "app.py"] as const },
];

/** Measures and gives the table. */
export async function run(): Promise<Table> {
  // Long enough for nothing of a visit to be under way any more, short enough to wait for it forty times.
  await using backlot = await startBacklot({ environment: { BACKLOT_ROUTER_FREEZE_SECONDS: "0.2", BACKLOT_ROUTER_SWEEP_MS: "20" } });
  const admin = await backlot.admin();
  const rows: string[][] = [["to the first byte", "median ms", "p95 ms", "without Backlot median ms", "p95 ms", "added at median", "added at p95"]];
  for (const starter of starters) {
    const site = `wake-${starter.name}`;
    await admin.createSite(site, "dynamic", starter.name);
    await using copy = await copyOfStarter(starter.name);
    const wakes: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      wakes.push(await visitMs(backlot, site));
      await admin.succeeded((await admin.client.call(sleepSite, { params: { name: site } })).operation);
      await until(admin, site, "asleep");
      bare.push(await bareSpawnMs(starter.command, copy.folder));
    }
    rows.push([`${starter.name} starter, asleep, beside a bare spawn`, ...compared(wakes, bare)]);
    rows.push([
      `${starter.name} starter, frozen, beside SIGCONT of a bare process`,
      ...(await frozenRow(backlot, admin, { site, ...starter, folder: copy.folder })),
    ]);
  }
  return rows;
}

async function frozenRow(
  backlot: Backlot,
  admin: Person,
  it: { readonly site: string; readonly command: readonly [string, ...string[]]; readonly folder: string },
): Promise<readonly string[]> {
  await using program: BareProgram = await startBare(it.command, it.folder);
  await visitMs(backlot, it.site);
  const thaws: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await until(admin, it.site, "frozen");
    thaws.push(await visitMs(backlot, it.site));
    bare.push(await program.stopAndContinueMs());
  }
  return compared(thaws, bare);
}

async function visitMs(backlot: Backlot, site: string): Promise<number> {
  const beganAt = performance.now();
  const { status } = await backlot.visit(site);
  const tookMs = performance.now() - beganAt;
  if (status !== 200) throw new Error(`${site} answered ${status}`);
  return tookMs;
}

async function until(admin: Person, site: string, wanted: SiteState): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const { state } = await admin.client.call(readStatus, { params: { name: site } });
    if (state === wanted) return;
    if (performance.now() > deadline) throw new Error(`${site} is ${state}`);
    await delay(20);
  }
}

function compared(ours: readonly number[], bare: readonly number[]): readonly string[] {
  const [median, tail] = medianAndTail(ours);
  const [bareMedian, bareTail] = medianAndTail(bare);
  return [median, tail, bareMedian, bareTail, (Number(median) - Number(bareMedian)).toFixed(1), (Number(tail) - Number(bareTail)).toFixed(1)];
}
