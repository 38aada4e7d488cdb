import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applySite, readSiteStatus, removeSite, sleepSite, wakeSite } from "#contract/internal/orchestrator.ts";
import { makeOrchestratorHome, specOf, startOrchestratorUnderTest } from "../../../../test/support/orchestrator-under-test.ts";
import { whyNoSwarm } from "../../../../test/support/swarm.ts";
import { plainImage } from "../../../../test/support/swarm-images.ts";
import { type SwarmRuntimeHarness, swarmRuntimeHarness } from "../../../../test/support/swarm-runtime-harness.ts";
import { siteOwner } from "../process/site-owner.ts";
import type { RunningInstance } from "../site-runtime.ts";

const soon = () => AbortSignal.timeout(60_000);
const files = { "run.sh": '#!/bin/sh\nhostname > /site/public/index.html\nexec httpd -f -p "$PORT" -h /site/public\n' };

describe.skipIf(whyNoSwarm() !== null)("a swarm of two nodes that share the folders of sites", () => {
  let harness: SwarmRuntimeHarness;
  beforeAll(async () => {
    harness = await swarmRuntimeHarness({ images: [plainImage], nodes: 2 });
  });
  afterAll(() => harness?.[Symbol.asyncDispose]());

  async function answer({ address }: RunningInstance): Promise<number> {
    if (!("port" in address)) throw new Error("a site in a swarm has a port");
    return (await fetch(`http://${address.host}:${address.port}/`, { signal: soon() })).status;
  }

  it("runs a site on the node of its orchestrator, and on another one when that node is lost", async () => {
    const [first, second] = harness.swarm.nodes;
    if (second === undefined) throw new Error("there are two nodes");
    // A worker of the swarm: it starts services by an engine that manages it, and watches them by its own.
    const engine = { host: second.host };
    const other = harness.again({ engine, manager: { host: first.host }, inEngineNetwork: second.inNetwork });
    expect(await other.probe()).toMatchObject({ isolates: true, missing: [] });
    const before = await other.start(harness.make({ siteId: 1, files }).request);
    await before.whenListening(soon());
    expect("host" in before.address && before.address.host).toBe(second.address);
    expect(await answer(before)).toBe(200);

    await second.cut(true);
    const lostAt = performance.now();
    const { request } = harness.make({ siteId: 1, instance: "second", files });
    const after = await harness.runtime.start({ ...request, spec: { ...request.spec, placement: 1, isTakenOver: true } });
    await after.whenListening(soon());
    expect("host" in after.address && after.address.host).toBe(first.address);
    expect(await answer(after)).toBe(200);
    console.info(`after the loss of a node a site answered again ${Math.round(performance.now() - lostAt)} ms after it was asked for elsewhere`);

    // The node that comes back is told by the swarm that its program is not wanted any more.
    await second.cut(false);
    await before.exited;
    expect(await answer(after)).toBe(200);
    await after.stop(1_000);
  });

  it("leaves a site running while its orchestrator is exchanged for the next, which takes charge of it", async () => {
    await using home = await makeOrchestratorHome();
    const places = { sitesFolder: join(home.data, "sites"), stateFolder: join(home.data, "state") };
    const siteId = 40;
    const params = { siteId };
    const before = await startOrchestratorUnderTest(home, { runtime: harness.again(places), ownerOf: siteOwner });
    await before.client.call(applySite, { params, body: specOf(siteId) });
    writeFileSync(join(home.folderOf(siteId), "run.sh"), files["run.sh"], { mode: 0o755 });
    const { address, instance } = await before.client.call(wakeSite, { params });
    if (!("port" in address)) throw new Error("a site in a swarm has a port");
    const visit = async () => (await fetch(`http://${address.host}:${address.port}/`, { signal: soon() })).status;
    expect(await visit()).toBe(200);
    await before[Symbol.asyncDispose]();
    expect(await visit()).toBe(200);

    await using next = await startOrchestratorUnderTest(home, { runtime: harness.again(places), ownerOf: siteOwner });
    const status = async () => (await next.client.call(readSiteStatus, { params })).state;
    await expect.poll(status, { timeout: 50_000 }).toBe("running");
    expect(await next.client.call(wakeSite, { params })).toMatchObject({ address, instance });
    await next.client.call(sleepSite, { params, body: {} });
    expect(await status()).toBe("asleep");
    await next.client.call(removeSite, { params });
    const services = await harness.swarm.nodes[0].docker.listServices();
    expect(services.map((service) => service.Spec?.Name)).not.toContain("site_0040");
  });
});
