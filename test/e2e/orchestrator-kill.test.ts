import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { applySite, listHeldSites, placeStarter, readSiteLogs, removeSite, startInstance, wakeSite } from "#contract/internal/orchestrator.ts";
import type { SiteAddress } from "#contract/site-spec.ts";
import { firstMissing, titled, whyNoSandbox, whyNotPython } from "../support/needs.ts";
import { countProgramsOf, type OrchestratorProcess, spawnOrchestrator, untilNoProcessIsLeft } from "../support/orchestrator-process.ts";
import { makeOrchestratorHome, type OrchestratorHome, specOf } from "../support/orchestrator-under-test.ts";
import { fetchFrom } from "../support/site-visit.ts";

const missing = firstMissing(whyNoSandbox(), whyNotPython());

let home: OrchestratorHome;
let orchestrator: OrchestratorProcess;

beforeEach(async () => {
  home = await makeOrchestratorHome();
  orchestrator = await spawnOrchestrator(home);
});
afterEach(async () => {
  await orchestrator[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

async function startSite(siteId: number, starter: string): Promise<SiteAddress> {
  const params = { siteId };
  await orchestrator.client.call(applySite, { params, body: specOf(siteId) });
  await orchestrator.client.call(placeStarter, { params, body: { starter } });
  return (await orchestrator.client.call(wakeSite, { params })).address;
}

async function killAndRestart(): Promise<void> {
  await orchestrator.kill();
  await untilNoProcessIsLeft(home);
  orchestrator = await spawnOrchestrator(home);
}

describe.skipIf(missing !== null)(titled("an orchestrator that is killed", missing), { timeout: 180_000 }, () => {
  it("leaves no program behind, and wakes its sites again by itself", async () => {
    const [node, python] = [await startSite(1, "node"), await startSite(2, "python")];
    for (const address of [node, python]) expect((await fetchFrom(address, "/time")).status).toBe(200);
    expect(countProgramsOf(home)).toBeGreaterThanOrEqual(2);

    await killAndRestart();

    const held = await orchestrator.client.call(listHeldSites, {});
    expect(held.sites.map(({ siteId, status }) => [siteId, status.state]).toSorted()).toEqual([
      [1, "asleep"],
      [2, "asleep"],
    ]);
    for (const siteId of [1, 2]) {
      const { address } = await orchestrator.client.call(wakeSite, { params: { siteId } });
      expect((await fetchFrom(address, "/time")).status).toBe(200);
    }
  });

  it("leaves none of the programs that are just being started", async () => {
    for (let round = 0; round < 3; round += 1) {
      const sites = [11, 12, 13, 14].map((siteId) => siteId + round * 10);
      for (const siteId of sites) {
        await orchestrator.client.call(applySite, { params: { siteId }, body: specOf(siteId) });
        await writeFile(join(home.folderOf(siteId), "run.sh"), "while :; do sleep 0.01; done\n");
      }
      const waking = sites.map((siteId) => orchestrator.client.call(wakeSite, { params: { siteId } }).catch(() => undefined));
      await vi.waitFor(() => expect(countProgramsOf(home)).toBeGreaterThan(round), { interval: 1, timeout: 60_000 });
      await killAndRestart();
      await Promise.all(waking);
    }
  });

  it("keeps what was said before, and forgets what was removed", async () => {
    await startSite(1, "python");
    await startSite(2, "node");
    await vi.waitFor(async () => expect(await logOf(1)).toContain("Listening on"), { timeout: 20_000 });
    await orchestrator.client.call(removeSite, { params: { siteId: 2 } });
    await killAndRestart();
    expect(await logOf(1)).toContain("Listening on");
    expect((await orchestrator.client.call(listHeldSites, {})).sites.map(({ siteId }) => siteId)).toEqual([1]);
  });

  it("gives the same restart again when it is asked again", async () => {
    await startSite(1, "python");
    const instance = `op-${randomUUID()}`;
    await orchestrator.client.call(startInstance, { params: { siteId: 1, instance } });
    await killAndRestart();
    const again = await orchestrator.client.call(startInstance, { params: { siteId: 1, instance } });
    expect(again.instance).toBe(instance);
    expect((await fetchFrom(again.address, "/time")).status).toBe(200);
  });

  it("ends its programs when it is told to end", async () => {
    await startSite(1, "node");
    await orchestrator[Symbol.asyncDispose]();
    await untilNoProcessIsLeft(home);
  });
});

async function logOf(siteId: number): Promise<string> {
  return (await orchestrator.client.fetch(readSiteLogs, { params: { siteId } })).text();
}
