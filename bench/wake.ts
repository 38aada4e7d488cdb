// From a sleeping site to the first byte, beside a bare spawn of the same program in the same run.
import { readStatus, sleepSite } from "#contract/api/sites.ts";
import { startBacklot } from "../test/support/backlot.ts";
import { bareSpawnMs, copyOfStarter } from "./support/bare-spawn.ts";
import { medianAndTail, type Table } from "./support/table.ts";

/** With fewer than forty, the 95th of a hundred is the slowest of all. */
const rounds = 40;
const starters = [
  { name: "node", command: [process.execPath, "server.js"] as const },
  { name: "python", command: ["/usr/bin/python3", "app.py"] as const },
];

/** Measures and gives the table. */
export async function run(): Promise<Table> {
  await using backlot = await startBacklot();
  const admin = await backlot.admin();
  const rows: string[][] = [
    ["wake, asleep → first byte", "median ms", "p95 ms", "bare spawn median ms", "bare spawn p95 ms", "added at median", "added at p95"],
  ];
  for (const starter of starters) {
    const site = `wake-${starter.name}`;
    await admin.createSite(site, "dynamic", starter.name);
    await using copy = await copyOfStarter(starter.name);
    const wakes: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const beganAt = performance.now();
      const { status } = await backlot.visit(site);
      wakes.push(performance.now() - beganAt);
      if (status !== 200) throw new Error(`${site} answered ${status}`);
      await admin.succeeded((await admin.client.call(sleepSite, { params: { name: site } })).operation);
      const { state } = await admin.client.call(readStatus, { params: { name: site } });
      if (state !== "asleep") throw new Error(`${site} is ${state}`);
      bare.push(await bareSpawnMs(starter.command, copy.folder));
    }
    const [median, tail] = medianAndTail(wakes);
    const [bareMedian, bareTail] = medianAndTail(bare);
    rows.push([
      `${starter.name} starter`,
      median,
      tail,
      bareMedian,
      bareTail,
      (Number(median) - Number(bareMedian)).toFixed(1),
      (Number(tail) - Number(bareTail)).toFixed(1),
    ]);
  }
  return rows;
}
