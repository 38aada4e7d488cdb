import { hostname } from "node:os";
import { Fleet } from "#core/nodes/fleet.ts";
import type { NodeStore, PlacementStore } from "#core/nodes/node-store.ts";
import { orchestratorUrls } from "#core/nodes/orchestrator-urls.ts";
import { ownNode } from "#core/nodes/own-node.ts";
import { steadyClock } from "#kit/clock.ts";
import { createComponentClient } from "#kit/component-client.ts";
import type { GrantSigner } from "#kit/grant.ts";
import type { Log } from "#kit/log.ts";
import { readVersion } from "#kit/version.ts";
import type { ManagerConfig } from "./config.ts";
import type { RouterRoll } from "./router-roll.ts";

/** The orchestrators as the manager reaches them; heartbeats go on until the stack ends. */
export async function openFleet(parts: {
  readonly config: ManagerConfig;
  readonly signer: GrantSigner;
  readonly stores: { readonly nodes: NodeStore; readonly placements: PlacementStore };
  readonly routers: RouterRoll;
  readonly log: Log;
  readonly stack: AsyncDisposableStack;
}): Promise<Fleet> {
  const { config, signer, stores, routers, log, stack } = parts;
  const about = { kind: "manager", host: hostname(), key: String(config.BACKLOT_PORT), url: null, version: await readVersion() } as const;
  const own = ownNode(about);
  const fleet = new Fleet({
    ...stores,
    urls: orchestratorUrls(config),
    link: { audience: "orchestrator", caller: "manager", signer },
    connect: createComponentClient,
    others: () => [own, ...routers.beats()],
    clock: steadyClock,
    log,
    beatMs: config.BACKLOT_NODE_BEAT_MS,
    lostMs: config.BACKLOT_NODE_LOST_MS,
    asksTheOnlyOne: true,
  });
  fleet.start();
  stack.defer(() => fleet.stop());
  // With several nobody knows yet which of them a call is for.
  if (!fleet.isSingle) await fleet.beat();
  return fleet;
}
