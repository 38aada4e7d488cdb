// From asking for a site to the first 200, beside what an administrator would do by hand: for a static site a folder, its files, a server block and a
// reload of nginx; for a dynamic one the boot of the same program without a platform.
import { createSite } from "#contract/api/sites.ts";
import { startBacklot } from "../test/support/backlot.ts";
import { bareSpawnMs, copyOfStarter } from "./support/bare-spawn.ts";
import { startHandMadeSites } from "./support/hand-made-sites.ts";
import { medianAndTail, type Table } from "./support/table.ts";

/** With fewer than forty, the 95th of a hundred is the slowest of all. */
const rounds = 40;

/** Measures and gives the table. */
export async function run(): Promise<Table> {
  await using backlot = await startBacklot();
  const { client } = await backlot.admin();
  const measure = async (kind: "static" | "dynamic", starter: string): Promise<readonly number[]> => {
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const name = `${starter}-${round}`;
      const beganAt = performance.now();
      await client.call(createSite, { body: { name, kind, starter } });
      // As a person would: asking until the site is there.
      while ((await backlot.visit(name)).status !== 200) {
        if (performance.now() - beganAt > 20_000) throw new Error(`${name} does not answer`);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      times.push(performance.now() - beganAt);
    }
    return times;
  };
  const rows: string[][] = [["create → first 200", "median ms", "p95 ms"]];
  // The very first one meets code that has never run and connections that are not open; it is one, so it has no median.
  const [first = 0, ...statics] = await measure("static", "static");
  rows.push(["the first after a start (static)", first.toFixed(1), ""]);
  rows.push(["static", ...medianAndTail(statics)]);
  rows.push(...(await byHand()));
  rows.push(["dynamic (Node starter)", ...medianAndTail(await measure("dynamic", "node"))]);
  await using copy = await copyOfStarter("node");
  const bare: number[] = [];
  for (let round = 0; round < rounds; round += 1) bare.push(await bareSpawnMs([process.execPath, "server.js"], copy.folder));
  rows.push(["the same program, bare spawn", ...medianAndTail(bare)]);
  return rows;
}

/** The same files as a new static site has them, by nginx; nothing where it is not installed. */
async function byHand(): Promise<readonly string[][]> {
  await using sites = await startHandMadeSites();
  if (sites === null) return [];
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) times.push(await sites.addMs(`by-hand-${round}`));
  return [["the same files by hand: folder, server block, reload of nginx", ...medianAndTail(times)]];
}
