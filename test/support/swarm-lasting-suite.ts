// What is left of programs in a swarm: their logs over an exchange of the orchestrator, their time to end, their dead containers; called by `swarm-nodes.service.test.ts`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { expect, it } from "vitest";
import { applySite, logLine, readSiteLogs, removeSite, wakeSite } from "#contract/internal/orchestrator.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import { siteOwner } from "#orchestrator/runtime/process/site-owner.ts";
import { makeOrchestratorHome, specOf, startOrchestratorUnderTest } from "./orchestrator-under-test.ts";
import type { SwarmRuntimeHarness } from "./swarm-runtime-harness.ts";

const poll = { timeout: 60_000, interval: 50 };
const soon = () => AbortSignal.timeout(60_000);
const exchanges = 3;
const crashes = 8;
// Some hundred lines a second: one that is lost in a moment is missed.
const counts = '#!/bin/sh\nhttpd -p "$PORT" -h /site/public\nn=0\nwhile :; do n=$((n+1)); echo "count $n"; usleep 1000; done\n';
const serves = '#!/bin/sh\nexec httpd -f -p "$PORT" -h /site/public\n';

/** Its harness has the plain image. */
export function swarmLastingSuite(opened: () => SwarmRuntimeHarness): void {
  it("tells each line that a program prints once, over exchanges of the orchestrator", { timeout: 240_000 }, async () => {
    const { again, swarm } = opened();
    const [{ docker }] = swarm.nodes;
    await using home = await makeOrchestratorHome();
    const siteId = 80;
    const params = { siteId };
    const starting = () => {
      const places = { sitesFolder: join(home.data, "sites"), stateFolder: join(home.data, "state") };
      return startOrchestratorUnderTest(home, { runtime: again(places), ownerOf: siteOwner });
    };
    let orchestrator = await starting();
    await orchestrator.client.call(applySite, { params, body: specOf(siteId) });
    writeFileSync(join(home.folderOf(siteId), "run.sh"), counts, { mode: 0o755 });
    await orchestrator.client.call(wakeSite, { params });
    await expect.poll(() => countedBy(orchestrator.client, siteId), poll).toContain(10);
    for (let exchange = 0; exchange < exchanges; exchange += 1) {
      await orchestrator[Symbol.asyncDispose]();
      const last = await printedBy(docker, siteId);
      await expect.poll(() => printedBy(docker, siteId), poll).toBeGreaterThan(last + 10);
      orchestrator = await starting();
      await expect.poll(async () => Math.max(...(await countedBy(orchestrator.client, siteId))), poll).toBeGreaterThan(last + 20);
    }
    const counted = await countedBy(orchestrator.client, siteId);
    const [first = 0] = counted;
    expect(counted.filter((count, index) => count !== first + index).slice(0, 5)).toEqual([]);
    await orchestrator.client.call(removeSite, { params });
    await orchestrator[Symbol.asyncDispose]();
  });

  it("gives a program that does not listen to SIGTERM three seconds when somebody else ends it", { timeout: 120_000 }, async () => {
    const { make, runtime, swarm } = opened();
    const [{ docker }] = swarm.nodes;
    const { request, printed } = make({ siteId: 81, files: { "run.sh": "#!/bin/sh\ntrap '' TERM\necho ready\nwhile :; do sleep 0.1; done\n" } });
    const running = await runtime.start(request);
    await expect.poll(printed, poll).toContain("ready");
    const service = docker.getService("site_0081");
    const { ID: id, Spec: spec, Version: version } = await service.inspect();
    const { ContainerSpec: container, RestartPolicy: restart } = spec.TaskTemplate;
    expect({ graceMs: container.StopGracePeriod / 1e6, delayMs: restart.Delay / 1e6 }).toEqual({ graceMs: 3_000, delayMs: 100 });
    await docker.getService(id).update({ ...spec, version: version.Index, Mode: { Replicated: { Replicas: 0 } } });
    expect(await running.exited).toMatchObject({ signal: "SIGKILL" });
    // By the engine's clock, which a busy machine does not slow down.
    const { asked, forced } = await killsOf(docker, 81);
    expect(forced - asked).toBeGreaterThan(2_000);
    expect(forced - asked).toBeLessThan(8_000);
  });

  it("keeps no container of a program that crashes again and again, alone or beside another", { timeout: 240_000 }, async () => {
    const { make, runtime, swarm } = opened();
    const [{ docker }] = swarm.nodes;
    const containers = async () => (await docker.listContainers({ all: true, filters: JSON.stringify({ label: ["backlot.site=82"] }) })).length;
    const crash = async (instance: string): Promise<void> => {
      const { request } = make({ siteId: 82, instance, files: { "run.sh": "#!/bin/sh\necho boom >&2\nexit 1\n" } });
      expect(await (await runtime.start(request)).exited).toMatchObject({ code: 1 });
    };
    for (let round = 0; round < crashes / 2; round += 1) await crash(`alone-${round}`);
    await expect.poll(containers, poll).toBe(0);
    const running = await runtime.start(make({ siteId: 82, instance: "one", files: { "run.sh": serves } }).request);
    await running.whenListening(soon());
    for (let round = 0; round < crashes / 2; round += 1) await crash(`beside-${round}`);
    await expect.poll(containers, poll).toBe(1);
    await running.stop(0);
  });
}

async function countedBy(client: ComponentClient, siteId: number): Promise<readonly number[]> {
  const lines = (await (await client.fetch(readSiteLogs, { params: { siteId }, query: { tail: 10_000 } })).text()).trim().split("\n");
  return lines.flatMap((line) => {
    const count = /^count (\d+)$/.exec(logLine.parse(JSON.parse(line)).line)?.[1];
    return count === undefined ? [] : [Number(count)];
  });
}

/** The last that it has printed, as its engine knows it. */
async function printedBy(docker: Docker, siteId: number): Promise<number> {
  const [found] = await docker.listContainers({ filters: JSON.stringify({ label: [`backlot.site=${siteId}`] }) });
  const log = await docker.getContainer(found?.Id ?? "").logs({ stdout: true, tail: 1 });
  return Number(/count (\d+)/.exec(log.toString())?.[1] ?? 0);
}

/** When its container was asked to end, and when it was made to, in milliseconds. */
async function killsOf(docker: Docker, siteId: number): Promise<{ readonly asked: number; readonly forced: number }> {
  const until = Math.ceil(Date.now() / 1_000);
  const filters = JSON.stringify({ type: ["container"], event: ["kill"], label: [`backlot.site=${siteId}`] });
  const events = (await text((await docker.getEvents({ since: until - 300, until, filters })) as NodeJS.ReadableStream)).trim().split("\n");
  const at = (signal: string): number => {
    const line = events.find((event) => event.includes(`"signal":"${signal}"`)) ?? "";
    return Number(/"timeNano":(\d+)/.exec(line)?.[1]) / 1e6;
  };
  return { asked: at("15"), forced: at("9") };
}
