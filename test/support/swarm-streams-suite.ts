// What an orchestrator has open for its sites: counted at its engine's socket and among its processes; called by `swarm-nodes.service.test.ts`.
import { mkdirSync, writeFileSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { expect, it } from "vitest";
import { applySite, readSiteLogs, readSiteStatus, removeSite, wakeSite } from "#contract/internal/orchestrator.ts";
import { siteFolder } from "#contract/site.ts";
import { processesWhere } from "./backlot-processes.ts";
import { spawnOrchestrator } from "./orchestrator-process.ts";
import { makeOrchestratorHome, specOf } from "./orchestrator-under-test.ts";
import { plainImage } from "./swarm-images.ts";
import type { SwarmRuntimeHarness } from "./swarm-runtime-harness.ts";

const poll = { timeout: 60_000, interval: 100 };
const sites = [91, 92, 93, 94, 95, 96];

/** Its harness has the plain image. */
export function swarmStreamsSuite(opened: () => SwarmRuntimeHarness): void {
  it("hears of all sites by one stream of the engine's events, and has no process of its own for any", { timeout: 180_000 }, async () => {
    const { swarm } = opened();
    const [node] = swarm.nodes;
    const shared = join(swarm.folder, "streams");
    mkdirSync(shared, { recursive: true });
    await using socket = await countingSocket(join(swarm.folder, "counted.sock"), node.host.replace("unix://", ""));
    await using home = await makeOrchestratorHome({
      BACKLOT_RUNTIME: "swarm",
      BACKLOT_SWARM_IMAGE: plainImage,
      BACKLOT_SHARED_FOLDER: shared,
      BACKLOT_ORCHESTRATOR_HOST: node.address,
      DOCKER_HOST: `unix://${socket.path}`,
    });
    await using orchestrator = await spawnOrchestrator(home, node.inNetwork);
    const { client } = orchestrator;
    const begin = async (siteId: number): Promise<void> => {
      const params = { siteId };
      await client.call(applySite, { params, body: specOf(siteId) });
      const folder = join(shared, "sites", siteFolder(siteId));
      mkdirSync(join(folder, "public"), { recursive: true });
      writeFileSync(join(folder, "run.sh"), `#!/bin/sh\necho "site ${siteId} begins"\nexec httpd -f -p "$PORT" -h /site/public\n`, { mode: 0o755 });
      await client.call(wakeSite, { params });
    };
    const [only = 0, ...others] = sites;
    await begin(only);
    const events = { type: ["container"] };
    expect({ open: socket.openEvents(events), ever: socket.everOpened(events) }).toEqual({ open: 1, ever: 1 });
    // Helpers of a moment (nft) come and go with each start; the one that watches the firewall stays.
    const settled = async (): Promise<readonly string[]> => {
      let before = ["not seen yet"];
      await expect
        .poll(() => {
          const now = childrenOf(orchestrator.pid);
          const isSame = now.join() === before.join();
          before = now;
          return isSame;
        }, poll)
        .toBe(true);
      return before;
    };
    const children = await settled();
    await Promise.all(others.map(begin));
    for (const siteId of sites) {
      expect((await client.call(readSiteStatus, { params: { siteId } })).state).toBe("running");
      await expect
        .poll(async () => (await client.fetch(readSiteLogs, { params: { siteId }, query: { tail: 100 } })).text(), poll)
        .toContain(`site ${siteId} begins`);
    }
    // What ends is heard of by the same one.
    const [ended = 0] = others;
    const [container] = await node.docker.listContainers({ filters: JSON.stringify({ label: [`backlot.site=${ended}`] }) });
    await node.docker.getContainer(container?.Id ?? "").kill();
    await expect
      .poll(async () => (await client.fetch(readSiteLogs, { params: { siteId: ended }, query: { tail: 100 } })).text(), poll)
      .toMatch(/was ended by SIGKILL/);
    expect({ open: socket.openEvents(events), ever: socket.everOpened(events) }).toEqual({ open: 1, ever: 1 });
    await expect.poll(() => childrenOf(orchestrator.pid), poll).toEqual(children);
    for (const siteId of sites) await client.call(removeSite, { params: { siteId } });
  });
}

/** Every process below this one, by what it runs. */
function childrenOf(pid: number): string[] {
  const all = processesWhere(() => true);
  const below = (parent: number): string[] => all.flatMap((info) => (info.parent === parent ? [info.command, ...below(info.pid)] : []));
  return below(pid).toSorted();
}

interface CountingSocket extends AsyncDisposable {
  readonly path: string;
  /** Connections on which such events are told now. */
  openEvents(wanted: { readonly type: readonly string[] }): number;
  everOpened(wanted: { readonly type: readonly string[] }): number;
}

/** An engine's socket, which counts what streams of events are asked for by way of it. */
async function countingSocket(path: string, engine: string): Promise<CountingSocket> {
  const streams: { readonly types: string; isOpen: boolean }[] = [];
  const connections = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = createConnection(engine);
    const end = (): void => {
      client.destroy();
      upstream.destroy();
      connections.delete(client);
    };
    connections.add(client);
    for (const side of [client, upstream]) side.on("error", end).on("close", end);
    client.on("data", (chunk: Buffer) => {
      // A question without a body, sent in one piece.
      const query = /^GET \S*\/events\?(\S*) HTTP/.exec(chunk.toString("latin1"))?.[1];
      if (query === undefined) return;
      const { type } = JSON.parse(new URLSearchParams(query).get("filters") ?? "{}") as { readonly type?: readonly string[] };
      const stream = { types: String(type), isOpen: true };
      streams.push(stream);
      client.once("close", () => {
        stream.isOpen = false;
      });
    });
    client.pipe(upstream);
    upstream.pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const of = ({ type }: { readonly type: readonly string[] }) => streams.filter(({ types }) => types === "undefined" || types === String(type));
  return {
    path,
    openEvents: (wanted) => of(wanted).filter(({ isOpen }) => isOpen).length,
    everOpened: (wanted) => of(wanted).length,
    [Symbol.asyncDispose]: async () => {
      for (const connection of connections) connection.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
