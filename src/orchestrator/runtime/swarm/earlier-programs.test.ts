import { expect, it } from "vitest";
import { silentLog } from "#kit/log.ts";
import { EarlierPrograms } from "./earlier-programs.ts";

const of = { siteId: 7, placement: 3, nodeId: "own" };

/** A swarm that answers as it is told: which nodes are in the way at each question, and how often it does not hear. */
function fakeSwarm(given: { readonly inTheWay?: readonly (readonly string[])[]; readonly deafFor?: number } = {}) {
  const rested: string[] = [];
  let [asked, deaf] = [0, given.deafFor ?? 0];
  return {
    rested,
    nodesInTheWay: async () => given.inTheWay?.[Math.min(asked++, given.inTheWay.length - 1)] ?? [],
    restEarlier: async (siteId: number, placement: number) => {
      deaf -= 1;
      if (deaf >= 0) throw new Error("no leader");
      rested.push(`${siteId}<${placement}`);
    },
  };
}

function programs(swarm: ReturnType<typeof fakeSwarm>, patienceMs = 60_000): EarlierPrograms {
  return new EarlierPrograms({ services: async () => swarm, log: silentLog(), patienceMs, laterMs: 1 });
}

it("waits until no program of before runs any more", async () => {
  const swarm = fakeSwarm({ inTheWay: [["north"], ["north"], []] });
  await programs(swarm).whenDown(swarm, of);
});

it("says where it may still run when that does not come to be known", async () => {
  const swarm = fakeSwarm({ inTheWay: [["north", "south"]] });
  await expect(programs(swarm, 0).whenDown(swarm, of)).rejects.toMatchObject({
    code: "program_elsewhere",
    message: expect.stringMatching(/^The program of this site may still run on north, south, and it may not run twice\./),
  });
});

it("tells the swarm once for each placement, again and again until it hears", async () => {
  const swarm = fakeSwarm({ deafFor: 3 });
  const earlier = programs(swarm);
  earlier.end(7, 1);
  earlier.end(8, 1);
  await expect.poll(() => swarm.rested, { timeout: 20_000 }).toHaveLength(2);
  earlier.end(7, 1);
  earlier.end(8, 2);
  await expect.poll(() => swarm.rested.toSorted(), { timeout: 20_000 }).toEqual(["7<1", "8<1", "8<2"]);
});
