// From the command to open doors: the first start, which makes the database, and the ones after it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepareBacklot } from "../test/support/backlot.ts";
import { medianAndTail, type Table } from "./support/table.ts";

const rounds = 5;

/** Measures and gives the table. */
export async function run(): Promise<Table> {
  const dataFolder = await mkdtemp(join(tmpdir(), "backlot-bench-start-"));
  const times: number[] = [];
  try {
    for (let round = 0; round <= rounds; round += 1) {
      await using backlot = await prepareBacklot({ dataFolder });
      const beganAt = performance.now();
      await backlot.start();
      times.push(performance.now() - beganAt);
    }
  } finally {
    await rm(dataFolder, { recursive: true, force: true });
  }
  const [first = 0, ...later] = times;
  return [
    ["start → every door open", "median ms", "p95 ms"],
    ["first start", first.toFixed(0), ""],
    ["later starts", ...medianAndTail(later)],
  ];
}
