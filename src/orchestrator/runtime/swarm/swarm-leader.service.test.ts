import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { managersOf, whyNoSwarm } from "../../../../test/support/swarm.ts";
import { plainImage } from "../../../../test/support/swarm-images.ts";
import { type SwarmRuntimeHarness, swarmRuntimeHarness } from "../../../../test/support/swarm-runtime-harness.ts";
import type { RunningInstance, SiteRuntime } from "../site-runtime.ts";
import { SwarmManagers } from "./swarm-managers.ts";

const missing = whyNoSwarm();
const soon = () => AbortSignal.timeout(90_000);
const files = { "run.sh": '#!/bin/sh\nexec httpd -f -p "$PORT" -h /site/public\n' };

describe.skipIf(missing !== null)(`a swarm of three managers${missing === null ? "" : ` (${missing})`}`, () => {
  let harness: SwarmRuntimeHarness;
  /** Of the nodes that are not the leader. */
  let runtimes: readonly [SiteRuntime, SiteRuntime];
  beforeAll(async () => {
    harness = await swarmRuntimeHarness({ images: [plainImage], nodes: 3, managers: 3 });
    const [, second, third] = harness.swarm.nodes;
    if (second === undefined || third === undefined) throw new Error("there are three nodes");
    const on = ({ host, inNetwork }: typeof second) => harness.again({ engine: { host }, inEngineNetwork: inNetwork });
    runtimes = [on(second), on(third)];
  });
  afterAll(() => harness?.[Symbol.asyncDispose]());

  async function started(runtime: SiteRuntime, siteId: number): Promise<RunningInstance> {
    const running = await runtime.start(harness.make({ siteId, files }).request);
    await running.whenListening(soon());
    return running;
  }

  async function answer({ address }: RunningInstance): Promise<number> {
    if (!("port" in address)) throw new Error("a site in a swarm has a port");
    return (await fetch(`http://${address.host}:${address.port}/`, { signal: soon() })).status;
  }

  it("goes on when the leader is killed: what runs answers all the time, what sleeps wakes, and what is new starts", { timeout: 240_000 }, async () => {
    const [first, second, third] = harness.swarm.nodes;
    const [onSecond, onThird] = runtimes;
    const running = [await started(harness.runtime, 1), await started(onSecond, 2), await started(onThird, 3)];
    const sleeping = await started(onSecond, 4);
    await sleeping.stop(1_000);
    // Two that come at once lose their quorum with the first that goes before both are there.
    await expect
      .poll(async () => (await managersOf(first.docker)).map(({ reach }) => reach), { timeout: 60_000 })
      .toEqual(["reachable", "reachable", "reachable"]);
    expect((await managersOf(first.docker)).find(({ isLeader }) => isLeader)?.address).toBe(`${first.address}:2377`);

    let isOver = false;
    const statuses: number[] = [];
    const visits = (async () => {
      while (!isOver) for (const site of running) statuses.push(await answer(site).catch(() => 0));
    })();
    await first.stop("SIGKILL");
    const killedAt = performance.now();
    const tellTook = async (site: Promise<RunningInstance>): Promise<readonly [RunningInstance, number]> => [
      await site,
      Math.round(performance.now() - killedAt),
    ];
    // Its engines answer nothing for as long as they may have found a leader.
    const impatient = new SwarmManagers([{ host: second?.host ?? "" }], { patienceMs: 500, answerMs: 1_000 });
    const refused = expect(impatient.ask((docker) => docker.listServices())).rejects.toMatchObject({ code: "component_away" });
    const [[woken, wokenMs], [made, madeMs]] = await Promise.all([tellTook(started(onSecond, 4)), tellTook(started(onThird, 5))]);
    await refused;
    expect([await answer(woken), await answer(made)]).toEqual([404, 404]);
    isOver = true;
    await visits;
    expect({ others: statuses.filter((status) => status !== 404), isBusy: statuses.length > 20 }).toEqual({ others: [], isBusy: true });
    expect((await managersOf(third?.docker ?? first.docker)).find(({ isLeader }) => isLeader)?.address).not.toBe(`${first.address}:2377`);
    console.info(`after the leader of three managers was killed a sleeping site answered ${wokenMs} ms later, a new one ${madeMs} ms`);
  });

  it("is asked by the next of its managers when one does not answer", async () => {
    const [first, second] = harness.swarm.nodes;
    const managers = new SwarmManagers([{ host: first.host }, { host: second?.host ?? "" }]);
    expect((await managers.ask((docker) => docker.listServices())).length).toBeGreaterThan(0);
  });
});
