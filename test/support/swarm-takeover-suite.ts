// What becomes of programs when their orchestrator is killed and their engine is not; called by `swarm-nodes.service.test.ts`.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { applySite, removeSite, wakeSite } from "#contract/internal/orchestrator.ts";
import { openTerminal } from "#contract/internal/terminals.ts";
import { siteFolder } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import { type OrchestratorProcess, spawnOrchestrator } from "./orchestrator-process.ts";
import { clientOf, makeOrchestratorHome, specOf } from "./orchestrator-under-test.ts";
import { RunClient } from "./run-client.ts";
import type { SwarmNode } from "./swarm.ts";
import { plainImage } from "./swarm-images.ts";
import type { SwarmRuntimeHarness } from "./swarm-runtime-harness.ts";

const poll = { timeout: 60_000, interval: 50 };
/** It writes down that it lives, and takes its whole time to end. */
const tells = `#!/bin/sh
id="$(cat /proc/sys/kernel/random/uuid)"
trap 'echo "$id asked" >> /site/lives; sleep 2; echo "$id over" >> /site/lives; exit 0' TERM
httpd -p "$PORT" -h /site/public
while :; do echo "$id beat" >> /site/lives; sleep 0.1; done
`;

/** Its harness has two nodes, and the plain image. */
export function swarmTakeoverSuite(opened: () => SwarmRuntimeHarness): void {
  it("starts a program that may not run twice only when the one before has ended elsewhere", { timeout: 120_000 }, async () => {
    const { swarm, again, make, runtime } = opened();
    const [first, second] = bothOf(swarm.nodes);
    const other = again({ engine: { host: second.host }, managers: [{ host: first.host }], inEngineNetwork: second.inNetwork });
    const { request } = make({ siteId: 70, files: { "run.sh": tells } });
    const spec = { ...request.spec, canRunTwice: false };
    const before = await other.start({ ...request, spec });
    await before.whenListening(AbortSignal.timeout(60_000));
    // Another Backlot in the same swarm has sites of the same numbers.
    const stranger = again({ installation: "others" });
    await expect(stranger.start({ ...request, spec })).rejects.toMatchObject({ code: "service_taken" });
    await expect(stranger.lasting?.forget(70)).rejects.toMatchObject({ code: "service_taken" });
    const after = await runtime.start({ ...request, instance: "second", spec: { ...spec, placement: 1, isTakenOver: true } });
    await after.whenListening(AbortSignal.timeout(60_000));
    await before.exited;
    expectOneAfterTheOther(request.folder);
    await after.stop(0);
  });

  it("ends what a killed orchestrator left running when its sites are taken over, visited or not, and its tasks and terminals at once", {
    timeout: 240_000,
  }, async () => {
    const { swarm } = opened();
    const [first, second] = bothOf(swarm.nodes);
    const shared = join(swarm.folder, "orphans");
    const environment = (node: SwarmNode) => ({
      BACKLOT_RUNTIME: "swarm",
      BACKLOT_SWARM_IMAGE: plainImage,
      BACKLOT_SWARM_MANAGER: first.host,
      BACKLOT_SHARED_FOLDER: shared,
      BACKLOT_ORCHESTRATOR_HOST: node.address,
      DOCKER_HOST: node.host,
    });
    await using homes = new AsyncDisposableStack();
    const lostHome = homes.use(await makeOrchestratorHome(environment(second)));
    const lost = homes.use(await spawnOrchestrator(lostHome, second.inNetwork));
    const heirHome = homes.use(await makeOrchestratorHome(environment(first)));
    const heir = homes.use(await spawnOrchestrator(heirHome, first.inNetwork));
    const sites = [71, 72, 73];
    const specs = sites.map((siteId) => specOf(siteId, { canRunTwice: siteId === 73, isTrusted: false }));
    for (const spec of specs) await begin(lost, spec, shared);
    // One stands still, as a site that nobody visits.
    const [still] = await containersOf(second, 73);
    await second.docker.getContainer(still ?? "").pause();
    writeFileSync(join(shared, "scripts/long.sh"), "#!/bin/sh\necho begun\nexec sleep 3600\n", { mode: 0o755 });
    await new RunClient(clientOf(lostHome, lost.url, "worker")).start({ script: "long.sh" });
    const terminal = { params: { siteId: 71 }, body: { size: { cols: 80, rows: 24 } } };
    await lost.client.on({ user: 3, userEpoch: 1, siteEpoch: 1 }).call(openTerminal, terminal);
    const disposable = async () =>
      (await second.docker.listContainers()).filter(({ Labels: labels }) => /^(run|enter)$/.test(labels["backlot.kind"] ?? "")).length;
    expect(await disposable()).toBe(2);

    await lost.kill();
    await expect.poll(disposable, poll).toBe(0);
    // Sites go on until somebody is responsible for them.
    for (const siteId of sites) expect(await containersOf(second, siteId)).toHaveLength(1);
    const takeOver = (spec: SiteSpec) => {
      const body = { ...spec, revision: 2, placement: 1, isTakenOver: true };
      return heir.client.call(applySite, { params: { siteId: spec.siteId }, body });
    };
    for (const spec of specs) await takeOver(spec);
    // Somebody comes at once to one of them, and nobody to the others.
    await heir.client.call(wakeSite, { params: { siteId: 71 } });
    for (const siteId of sites) await expect.poll(() => containersOf(second, siteId), poll).toEqual([]);
    expect(await containersOf(first, 72)).toEqual([]);
    await heir.client.call(wakeSite, { params: { siteId: 72 } });
    for (const siteId of [71, 72]) expectOneAfterTheOther(join(shared, "sites", siteFolder(siteId)));
    for (const siteId of sites) await heir.client.call(removeSite, { params: { siteId } });
  });
}

async function begin({ client }: OrchestratorProcess, spec: SiteSpec, shared: string): Promise<void> {
  const params = { siteId: spec.siteId };
  await client.call(applySite, { params, body: spec });
  const folder = join(shared, "sites", siteFolder(spec.siteId));
  mkdirSync(join(folder, "public"), { recursive: true });
  writeFileSync(join(folder, "run.sh"), tells, { mode: 0o755 });
  await client.call(wakeSite, { params });
}

async function containersOf({ docker }: SwarmNode, siteId: number): Promise<readonly string[]> {
  const found = await docker.listContainers({ filters: JSON.stringify({ label: ["backlot.kind=site", `backlot.site=${siteId}`] }) });
  return found.map(({ Id: id }) => id);
}

/** Of two lives that overlap the lines stand among each other. */
function expectOneAfterTheOther(folder: string): void {
  const ids = readFileSync(join(folder, "lives"), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "");
  const changes = ids.filter((id, index) => index > 0 && id !== ids[index - 1]);
  expect({ lives: new Set(ids).size, changes: changes.length }).toEqual({ lives: 2, changes: 1 });
}

function bothOf([first, second]: readonly SwarmNode[]): readonly [SwarmNode, SwarmNode] {
  if (first === undefined || second === undefined) throw new Error("there are two nodes");
  return [first, second];
}
