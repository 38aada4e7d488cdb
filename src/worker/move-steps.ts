import { Failure } from "#contract/failure.ts";
import { leaveSite } from "#contract/internal/nodes.ts";
import * as api from "#contract/internal/orchestrator.ts";
import { hasInstance } from "#contract/site.ts";
import { takesSites } from "#core/nodes/choose-node.ts";
import type { Fleet } from "#core/nodes/fleet.ts";
import type { PlacementStore } from "#core/nodes/node-store.ts";
import type { StepAction } from "#core/operations/operation-runner.ts";
import type { ClaimedOperation } from "#core/operations/operation-store.ts";
import type { OperationInputs } from "#core/operations/plan.ts";
import type { Site } from "#core/sites/site.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import type { RouterPool } from "./router-pool.ts";

/** What moving a site to another orchestrator acts on. */
export interface MoveDeps {
  readonly fleet: Fleet;
  readonly placements: PlacementStore;
  readonly orchestrator: ComponentClient;
  readonly routers: RouterPool;
  /** The operation's site. @throws {Failure} `site_not_found` */
  readonly siteOf: (operation: ClaimedOperation) => Promise<Site>;
  readonly apply: (site: Site, signal: AbortSignal) => Promise<void>;
  readonly drainMs: number;
}

const elsewhere = "Another machine has taken the site over meanwhile.";

/** Hands a site over in order: the new orchestrator knows it, then visitors go there, and only then the old one lets go. */
export function moveSteps(deps: MoveDeps): Readonly<Record<"settle" | "carry" | "leave", StepAction>> {
  const { fleet, placements } = deps;
  return {
    settle: async (operation, signal) => {
      const { from, to } = inputOf(operation);
      const site = await deps.siteOf(operation);
      const target = fleet.nodeOf(to);
      if (target === undefined || !takesSites(target, fleet.lostMs)) throw new Failure("component_away", { component: "orchestrator" });
      if (site.nodeId === from && from !== to) {
        const was = { nodeId: site.nodeId, number: site.placement };
        await placements.move({ siteId: site.id, from: was, to, isTakenOver: false });
      }
      const settled = await deps.siteOf(operation);
      if (settled.nodeId !== to) return elsewhere;
      await deps.apply(settled, signal);
      return `It is now the business of ${target.host}.`;
    },
    carry: async (operation, signal) => {
      const site = await deps.siteOf(operation);
      if (site.nodeId !== inputOf(operation).to) return elsewhere;
      return !hasInstance(site) ? "A static site has no program to carry." : carry(deps, { operation, site, signal });
    },
    leave: async (operation, signal) => {
      const site = await deps.siteOf(operation);
      if (site.nodeId !== inputOf(operation).to) return elsewhere;
      return leave(deps, { operation, site, signal });
    },
  };
}

interface Moving {
  readonly operation: ClaimedOperation;
  readonly site: Site;
  readonly signal: AbortSignal;
}

/** A program that runs goes on without a gap; one that rests starts there when somebody comes. */
async function carry(deps: MoveDeps, moving: Moving): Promise<string | undefined> {
  const { orchestrator, routers, drainMs } = deps;
  const { operation, site, signal } = moving;
  const siteId = site.id;
  const isRunning = site.availability === "enabled" && (await stateThere(deps, moving)) === "running";
  const start = () => orchestrator.call(api.startInstance, { params: { siteId, instance: `op-${operation.id}` }, signal });
  if (isRunning && site.settings.canRunTwice) return routers.switch(siteId, await start(), { drainMs, signal });
  await routers.hold(siteId, { drainMs, signal });
  const note = await leave(deps, moving);
  // What was held is released whatever comes of the start: it wakes the site there.
  await routers.release(siteId, isRunning ? await start().catch(() => null) : null, signal);
  return note;
}

async function stateThere(deps: MoveDeps, { operation, site, signal }: Moving): Promise<string> {
  try {
    return (await deps.fleet.clientOf(inputOf(operation).from).call(api.readSiteStatus, { params: { siteId: site.id }, signal })).state;
  } catch (error) {
    if (error instanceof Failure) return "unknown";
    throw error;
  }
}

async function leave(deps: MoveDeps, { operation, site, signal }: Moving): Promise<string | undefined> {
  try {
    const body = { placement: site.placement };
    await deps.fleet.clientOf(inputOf(operation).from).call(leaveSite, { params: { siteId: site.id }, body, signal });
    return undefined;
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "component_away") throw error;
    return "The machine before does not answer; it is told when it does.";
  }
}

// Written by planOperation with the same types; the row in between is JSON.
function inputOf(operation: ClaimedOperation): OperationInputs["move"] {
  return operation.input as unknown as OperationInputs["move"];
}
