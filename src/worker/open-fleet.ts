import { hostname } from "node:os";
import { Fleet } from "#core/nodes/fleet.ts";
import type { NodeStore, PlacementStore } from "#core/nodes/node-store.ts";
import { orchestratorUrls } from "#core/nodes/orchestrator-urls.ts";
import { ownNode } from "#core/nodes/own-node.ts";
import { steadyClock } from "#kit/clock.ts";
import { createBusyClient } from "#kit/component-client.ts";
import type { GrantSigner } from "#kit/grant.ts";
import type { Log } from "#kit/log.ts";
import { readVersion } from "#kit/version.ts";
import type { WorkerConfig } from "./config.ts";

/** The orchestrators as the worker reaches them; heartbeats go on until the stack ends. */
export async function openFleet(parts: {
  readonly config: WorkerConfig;
  readonly signer: GrantSigner;
  readonly stores: { readonly nodes: NodeStore; readonly placements: PlacementStore };
  readonly log: Log;
  readonly stack: AsyncDisposableStack;
}): Promise<Fleet> {
  const { config, signer, stores, log, stack } = parts;
  // One that tells its health at a port is the same after a restart; others go by their process.
  const key = String(config.BACKLOT_WORKER_PORT || process.pid);
  const own = ownNode({ kind: "worker", host: hostname(), key, url: null, version: await readVersion() });
  const fleet = new Fleet({
    nodes: stores.nodes,
    placements: stores.placements,
    urls: orchestratorUrls(config),
    link: { audience: "orchestrator", caller: "worker", signer },
    connect: createBusyClient,
    others: () => [own],
    clock: steadyClock,
    log,
    beatMs: config.BACKLOT_NODE_BEAT_MS,
    lostMs: config.BACKLOT_NODE_LOST_MS,
    asksTheOnlyOne: false,
  });
  fleet.start();
  stack.defer(async () => {
    await fleet.stop();
    // One that ends in order is not lost. If the database is away, it is forgotten by itself.
    await stores.nodes.remove(own.id).catch(() => undefined);
  });
  if (!fleet.isSingle) await fleet.beat();
  return fleet;
}
