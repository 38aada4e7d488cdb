// A site of a swarm whose program ends at once, through the whole orchestrator; called by `swarm-nodes.service.test.ts`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { applySite, logLine, readSiteLogs, readSiteStatus, removeSite, retireInstances, startInstance, wakeSite } from "#contract/internal/orchestrator.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import { siteOwner } from "#orchestrator/runtime/process/site-owner.ts";
import { clientOf, makeOrchestratorHome, specOf, startOrchestratorUnderTest } from "./orchestrator-under-test.ts";
import type { SwarmRuntimeHarness } from "./swarm-runtime-harness.ts";

const poll = { timeout: 60_000, interval: 50 };
const soon = () => AbortSignal.timeout(60_000);
const params = { siteId: 83 };

/** Its harness has the plain image. */
export function swarmCrashesSuite(opened: () => SwarmRuntimeHarness): void {
  it("says of a program that ends at once that it does, waits longer each time, and runs it once it is mended and restarted", {
    timeout: 240_000,
  }, async () => {
    await using home = await makeOrchestratorHome();
    const runtime = opened().again({ sitesFolder: join(home.data, "sites"), stateFolder: join(home.data, "state") });
    await using orchestrator = await startOrchestratorUnderTest(home, { runtime, ownerOf: siteOwner });
    const { client } = orchestrator;
    await client.call(applySite, { params, body: specOf(params.siteId) });
    const program = (text: string): void => writeFileSync(join(home.folderOf(params.siteId), "run.sh"), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    program("echo no such table >&2\nexit 7");
    const visitors = clientOf(home, orchestrator.url, "router");
    await expect(visitors.call(wakeSite, { params })).rejects.toMatchObject({
      code: "site_crashed",
      details: { reason: "exited 7; last line: no such table" },
    });
    // The fourth wait is so long that nothing changes any more until the program is restarted.
    await expect.poll(() => waitsOf(client), poll).toEqual([0.2, 1, 5, 30]);
    const reason = expect.stringMatching(/^exited 7 four times in \d+ (?:s|min); last line: no such table$/);
    await expect.poll(() => client.call(readSiteStatus, { params }), poll).toMatchObject({ state: "crashed", reason });
    await expect(visitors.call(wakeSite, { params })).rejects.toMatchObject({ code: "site_crashed", details: { reason } });
    expect(await waitsOf(client)).toHaveLength(4);

    program('echo mended >/site/public/index.html\nexec httpd -f -p "$PORT" -h /site/public');
    const { address } = await client.call(startInstance, { params: { ...params, instance: "mended" } });
    await client.call(retireInstances, { params });
    if (!("port" in address)) throw new Error("a site in a swarm has a port");
    expect(await (await fetch(`http://${address.host}:${address.port}/`, { signal: soon() })).text()).toBe("mended\n");
    expect(await client.call(readSiteStatus, { params })).toMatchObject({ state: "running", reason: null });
    await client.call(removeSite, { params });
  });
}

/** How long the site was said to wait after each crash, in seconds. */
async function waitsOf(client: ComponentClient): Promise<readonly number[]> {
  const query = { tail: 1_000, stream: "platform" };
  const lines = (await (await client.fetch(readSiteLogs, { params, query })).text()).split("\n").filter((line) => line !== "");
  return lines.flatMap((line) => {
    const seconds = /; next try in ([\d.]+) s$/.exec(logLine.parse(JSON.parse(line)).line)?.[1];
    return seconds === undefined ? [] : [Number(seconds)];
  });
}
