// From the command to open doors: the first start, which makes the database, and the ones after it, beside what they cannot do without.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { silentLog } from "#kit/log.ts";
import { startPrivatePostgres } from "#supervisor/private-postgres.ts";
import { checkout, prepareBacklot } from "../test/support/backlot.ts";
import { medianAndTail, type Table } from "./support/table.ts";

const rounds = 7;

/** Measures and gives the table. */
export async function run(): Promise<Table> {
  const [first = 0, ...later] = await starts(["npm", "start"]);
  const [, ...direct] = await starts([process.execPath, join(checkout, "bin/backlot.mjs"), "start"]);
  const [firstPostgres = 0, ...postgres] = await postgresAlone();
  return [
    ["start → every door open", "median ms", "p95 ms"],
    ["npm start, on a new data folder", first.toFixed(0), ""],
    ["npm start again", ...medianAndTail(later)],
    ["the same without npm: node bin/backlot.mjs start", ...medianAndTail(direct)],
    ["PostgreSQL alone, on a new folder (initdb)", firstPostgres.toFixed(0), ""],
    ["PostgreSQL alone, again", ...medianAndTail(postgres)],
    ["npm alone: npm exec --call true", ...medianAndTail(await npmAlone())],
  ];
}

/** The first of them on a new folder. */
async function starts(command: readonly [string, ...string[]]): Promise<readonly number[]> {
  const dataFolder = await mkdtemp(join(tmpdir(), "backlot-bench-start-"));
  const times: number[] = [];
  try {
    for (let round = 0; round <= rounds; round += 1) {
      // In a group of its own: npm passes a signal on to its shell only.
      await using backlot = await prepareBacklot({ dataFolder, command, cwd: checkout, hasOwnGroup: true });
      const beganAt = performance.now();
      await backlot.start();
      times.push(performance.now() - beganAt);
    }
  } finally {
    await rm(dataFolder, { recursive: true, force: true });
  }
  return times;
}

async function postgresAlone(): Promise<readonly number[]> {
  const folder = await mkdtemp(join(tmpdir(), "backlot-bench-postgres-"));
  const times: number[] = [];
  try {
    for (let round = 0; round <= rounds; round += 1) {
      const beganAt = performance.now();
      const postgres = await startPrivatePostgres({ folder: join(folder, "postgres"), log: silentLog() });
      times.push(performance.now() - beganAt);
      await postgres.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return times;
}

async function npmAlone(): Promise<readonly number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const beganAt = performance.now();
    await promisify(execFile)("npm", ["exec", "--offline", "--call", "true"], { cwd: checkout });
    times.push(performance.now() - beganAt);
  }
  return times;
}
