import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { deploySite, sleepSite } from "#contract/api/sites.ts";
import { packedEntries } from "../support/backlot-archive.ts";
import type { Person } from "../support/backlot-person.ts";
import { edgeMissing } from "../support/edge-router.ts";
import { managersOf, whyNoSwarm } from "../support/swarm.ts";
import { type SwarmBacklot, startSwarmBacklot } from "../support/swarm-backlot.ts";
import { eachOf, type SwarmStage, swarmStage } from "../support/swarm-stage.ts";

const missing = whyNoSwarm() ?? edgeMissing();
const names = Array.from({ length: 6 }, (_, index) => `led-${index}`);
/** Long enough for a machine ten times as slow. */
const patience = { timeout: 120_000, interval: 100 };
const programOf = (text: string) => `#!/bin/sh\nmkdir /tmp/www\necho "${text}" > /tmp/www/index.html\nexec httpd -f -p "$PORT" -h /tmp/www\n`;

describe.skipIf(missing !== null)(`a whole Backlot on a swarm of three managers behind HAProxy${missing === null ? "" : ` (${missing})`}`, () => {
  let all: SwarmBacklot;
  let admin: Person;
  let stage: SwarmStage;
  const nameOf = new Map<number, string>();
  beforeAll(async () => {
    const environment = { BACKLOT_NODE_BEAT_MS: "500", BACKLOT_NODE_LOST_MS: "5000", BACKLOT_EDGE: "haproxy", BACKLOT_EDGE_VISITOR_REQUESTS: "100000000" };
    // The second node leads: beside the first one are the manager, HAProxy and the files.
    all = await startSwarmBacklot({ nodes: 3, managers: 3, leader: 1, environment });
    admin = await all.backlot.admin();
    stage = swarmStage(all, admin);
    await vi.waitFor(async () => expect((await stage.orchestrators()).map(({ state }) => state)).toEqual(["up", "up", "up"]), patience);
    for (const name of [...names, "asleep"]) nameOf.set((await admin.createSite(name, "dynamic")).id, name);
    await eachOf([...names, "asleep"], 3, async (name) => {
      // Neither frozen nor put to sleep.
      if (name !== "asleep") await stage.configure(name, { settings: { idleSeconds: null } });
      await stage.putProgram(name, programOf(`${name} first`));
      expect(await all.backlot.visit(name)).toMatchObject({ status: 200, text: `${name} first\n` });
    });
    await admin.succeeded((await admin.client.call(sleepSite, { params: { name: "asleep" } })).operation);
  }, 300_000);
  afterAll(() => all?.[Symbol.asyncDispose]());

  test("goes on when the node of the leader is lost with everything on it: its sites answer again, what sleeps wakes, and what is asked for afterwards is done", {
    timeout: 400_000,
  }, async () => {
    const [first, second] = all.swarm.nodes;
    const leader = async () => (await managersOf(first.docker)).find(({ isLeader }) => isLeader)?.address;
    await expect.poll(async () => (await managersOf(first.docker)).map(({ reach }) => reach), patience).toEqual(["reachable", "reachable", "reachable"]);
    expect(await leader()).toBe(`${second?.address}:2377`);
    const places = (await stage.sitesOn()).map((numbers) => numbers.flatMap((number) => nameOf.get(number) ?? []));
    const [, lost = []] = places;
    const kept = names.filter((name) => !lost.includes(name));
    expect({ total: places.flat().length, isLost: lost.length > 0, isKept: kept.length > 0 }).toEqual({ total: names.length, isLost: true, isKept: true });

    const load = stage.visitors(kept);
    const lostAt = performance.now();
    await all.others[0]?.crash();
    const answered = await eachOf([...lost, "asleep"], 4, async (name) => {
      await expect.poll(async () => (await all.backlot.visit(name)).text, patience).toBe(`${name} first\n`);
      return Math.round(performance.now() - lostAt);
    });
    process.stdout.write(
      `after the leader's node was lost the last of ${lost.length} sites of it, and one that slept, answered ${Math.max(...answered)} ms later\n`,
    );
    expect((await stage.orchestrators()).find(({ url }) => url === all.others[0]?.url)).toMatchObject({ state: "lost", sites: 0 });
    await expect.poll(leader, patience).toBeOneOf([`${first.address}:2377`, `${all.swarm.nodes[2]?.address}:2377`]);
    // While another one is chosen no node takes sites.
    const states = async () => (await stage.orchestrators()).map(({ state }) => state).toSorted();
    await expect.poll(states, patience).toEqual(["lost", "up", "up"]);

    const [name = ""] = lost;
    await admin.createSite("made-after", "dynamic");
    for (const deployed of [name, ...kept.slice(0, 1), "made-after"]) {
      const body = await packedEntries([{ header: { name: "run.sh", mode: 0o755 }, content: programOf(`${deployed} second`) }]);
      await admin.succeeded((await admin.client.call(deploySite, { params: { name: deployed }, body: new Uint8Array(body) })).operation);
      expect(await all.backlot.visit(deployed)).toMatchObject({ status: 200, text: `${deployed} second\n` });
    }
    const { count, failed } = await load.stop();
    process.stdout.write(`meanwhile sites of the other nodes were visited ${count} times, ${failed.length} failed\n`);
    expect({ failed, isBusy: count > 20 }).toEqual({ failed: [], isBusy: true });
  });
});
