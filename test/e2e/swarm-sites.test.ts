import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { changePath } from "#contract/api/files.ts";
import { listNodes } from "#contract/api/nodes.ts";
import { restartSite } from "#contract/api/sites.ts";
import type { Person } from "../support/backlot-person.ts";
import { whyNoSwarm } from "../support/swarm.ts";
import { type SwarmBacklot, startSwarmBacklot } from "../support/swarm-backlot.ts";

const names = Array.from({ length: 20 }, (_, index) => `swarm-${index}`);
/** Long enough for a machine ten times as slow. */
const patience = { timeout: 120_000, interval: 100 };
// Every start of it answers with another text.
const program = `#!/bin/sh
mkdir /tmp/www
cat /proc/sys/kernel/random/uuid > /tmp/www/index.html
exec httpd -f -p "$PORT" -h /tmp/www
`;

describe.skipIf(whyNoSwarm() !== null)("a whole Backlot on a swarm of two nodes", () => {
  let all: SwarmBacklot;
  let admin: Person;
  beforeAll(async () => {
    all = await startSwarmBacklot({ environment: { BACKLOT_NODE_BEAT_MS: "500", BACKLOT_NODE_LOST_MS: "5000" } });
    admin = await all.backlot.admin();
    await vi.waitFor(async () => expect((await orchestrators()).map(({ state }) => state)).toEqual(["up", "up"]), patience);
    await eachOf(names, 4, async (name) => {
      await admin.createSite(name, "dynamic");
      await admin.put(name, "run.sh", program);
      await admin.client.call(changePath, { params: { name, "*": "run.sh" }, body: { executable: true } });
    });
  }, 240_000);
  afterAll(() => all?.[Symbol.asyncDispose]());

  async function orchestrators() {
    return (await admin.client.call(listNodes, {})).nodes.filter(({ kind }) => kind === "orchestrator");
  }

  test("updates twenty sites under load without a failed request", { timeout: 240_000 }, async () => {
    const before = new Map<string, string>();
    await eachOf(names, 4, async (name) => {
      const { status, text } = await all.backlot.visit(name);
      expect({ name, status }).toEqual({ name, status: 200 });
      before.set(name, text);
    });
    // Made four at a time, they are spread about evenly.
    expect(Math.min(...(await orchestrators()).map(({ sites }) => sites))).toBeGreaterThan(5);

    let isOver = false;
    const failed: string[] = [];
    let count = 0;
    const visitor = async (first: number): Promise<void> => {
      for (let index = first; !isOver; index += 1) {
        const name = names[index % names.length] ?? "";
        const answer = await all.backlot.visit(name).catch((error: unknown) => ({ status: 0, text: String(error) }));
        count += 1;
        if (answer.status !== 200) failed.push(`${name} ${answer.status} ${answer.text.slice(0, 200)}`);
        await delay(5);
      }
    };
    const visitors = [0, 5, 10, 15].map(visitor);
    await eachOf(names, 3, async (name) => {
      await admin.succeeded((await admin.client.call(restartSite, { params: { name } })).operation);
    });
    isOver = true;
    await Promise.all(visitors);
    process.stdout.write(`20 sites of a swarm were updated under load: ${count} requests, ${failed.length} failed\n`);
    expect({ failed, isBusy: count > 100 }).toEqual({ failed: [], isBusy: true });
    for (const name of names) expect((await all.backlot.visit(name)).text, name).not.toBe(before.get(name));
  });

  test("answers for the sites of a node that is killed, from the other one", { timeout: 240_000 }, async () => {
    const [other] = all.others;
    const killedAt = performance.now();
    await other?.crash();
    const answered = await eachOf(names, 4, async (name) => {
      await expect.poll(async () => (await all.backlot.visit(name)).status, patience).toBe(200);
      return Math.round(performance.now() - killedAt);
    });
    process.stdout.write(`after a node was killed the last of twenty sites answered ${Math.max(...answered)} ms later\n`);
    expect((await orchestrators()).map(({ state, sites }) => ({ state, sites }))).toEqual([
      { state: "up", sites: 20 },
      { state: "lost", sites: 0 },
    ]);
  });
});

/** Does something for each, a few at a time. */
async function eachOf<T>(items: readonly string[], atOnce: number, act: (item: string) => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  const waiting = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of waiting) results.push(await act(item));
    }),
  );
  return results;
}
