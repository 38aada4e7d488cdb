import { Failure } from "#contract/failure.ts";
import * as api from "#contract/internal/orchestrator.ts";
import { hasInstance } from "#contract/site.ts";
import type { ImageStore } from "#core/images/image-store.ts";
import type { Fleet } from "#core/nodes/fleet.ts";
import type { PlacementStore } from "#core/nodes/node-store.ts";
import type { StepAction } from "#core/operations/operation-runner.ts";
import type { ClaimedOperation } from "#core/operations/operation-store.ts";
import type { OperationInputs, StepName } from "#core/operations/plan.ts";
import type { Site } from "#core/sites/site.ts";
import { specOf } from "#core/sites/site-spec.ts";
import type { ReconcilerSiteStore } from "#core/sites/site-store.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import type { Seal } from "#kit/seal.ts";
import { abandonDatabase, credentialsOf, type DatabaseDeps, databaseSteps } from "./database-steps.ts";
import { moveSteps } from "./move-steps.ts";
import { outdatingPages } from "./outdate-pages.ts";
import type { RouterPool } from "./router-pool.ts";

/** What the steps act on. */
export interface StepDeps extends DatabaseDeps {
  readonly sites: ReconcilerSiteStore;
  readonly orchestrator: ComponentClient;
  readonly fleet: Fleet;
  readonly placements: PlacementStore;
  readonly images: Pick<ImageStore, "referenceFor">;
  readonly routers: RouterPool;
  readonly seal: Seal;
  readonly mayEveryoneRun: boolean;
}

/** How long requests under way may take to end before their instance is stopped, in milliseconds. */
const drainMs = 10_000;

/** The thin place where operations act: one function a step, each safe to be called again after a crash. */
export function createSteps(deps: StepDeps): Readonly<Record<StepName, StepAction>> {
  const { sites, orchestrator, routers } = deps;
  const run = runSteps(deps);
  return outdatingPages(deps, {
    ...run,
    ...databaseSteps(deps),
    ...moveSteps({ ...deps, siteOf: (operation) => siteOf(deps, operation), apply: (site, signal) => applySite(deps, site, signal), drainMs }),
    apply: async (operation, signal) => {
      await applySite(deps, await siteOf(deps, operation), signal);
      return undefined;
    },
    starter: async (operation, signal) => {
      const { starter } = inputOf<"create">(operation);
      if (starter !== null) await orchestrator.call(api.placeStarter, { params: { siteId: numberOf(operation) }, body: { starter }, signal });
      return undefined;
    },
    publish: async (operation, signal) => routers.publish(await sites.routeVersion(numberOf(operation)), signal),
    activate: async (operation) => {
      await sites.markActive(numberOf(operation));
      return undefined;
    },
    unpack: async (operation, signal) => {
      const { uploadId } = inputOf<"deploy">(operation);
      const unpacked = await orchestrator.call(api.unpackUpload, { params: { siteId: numberOf(operation), uploadId }, signal });
      return `${unpacked.files} ${unpacked.files === 1 ? "file" : "files"}, ${unpacked.bytes} bytes`;
    },
    place: async (operation, signal) => {
      const { uploadId } = inputOf<"deploy">(operation);
      const placed = await orchestrator.call(api.placeDeployment, { params: { siteId: numberOf(operation), uploadId }, signal });
      return `${placed.written} written, ${placed.removed} removed`;
    },
    withdraw: async (operation, signal) => (operation.siteId === null ? undefined : routers.publish(await sites.routeVersion(operation.siteId), signal)),
    remove: async (operation, signal) => {
      if (operation.siteId !== null) await orchestrator.call(api.removeSite, { params: { siteId: operation.siteId }, signal });
      return undefined;
    },
    forget: async (operation) => {
      if (operation.siteId !== null) await sites.remove(operation.siteId);
      return undefined;
    },
  });
}

type RunStep = "refresh" | "start" | "switch" | "retire" | "hold" | "stop" | "release" | "wake";

function runSteps(deps: StepDeps): Readonly<Record<RunStep, StepAction>> {
  const { orchestrator, routers } = deps;
  // The instance carries the operation's id: asked again after a crash, the orchestrator gives the one that was started then.
  const start = (operation: ClaimedOperation, signal: AbortSignal) =>
    orchestrator.call(api.startInstance, { params: { siteId: numberOf(operation), instance: `op-${operation.id}` }, signal });
  const retire = (operation: ClaimedOperation, signal: AbortSignal) =>
    orchestrator.call(api.retireInstances, { params: { siteId: numberOf(operation) }, signal });
  return {
    start: async (operation, signal) => `It answered after ${Math.round((await start(operation, signal)).bootMs)} ms.`,
    switch: async (operation, signal) => routers.switch(numberOf(operation), await start(operation, signal), { drainMs, signal }),
    retire: async (operation, signal) => {
      await retire(operation, signal);
      return undefined;
    },
    hold: async (operation, signal) => routers.hold(numberOf(operation), { drainMs, signal }),
    stop: async (operation, signal) => {
      await orchestrator.call(api.sleepSite, { params: { siteId: numberOf(operation) }, body: {}, signal });
      return undefined;
    },
    release: async (operation, signal) => {
      const isLeftAsleep = operation.kind === "sleep" || operation.kind === "delete-database";
      const target = isLeftAsleep ? null : await start(operation, signal);
      return routers.release(numberOf(operation), target, signal);
    },
    wake: async (operation, signal) => {
      const target = await orchestrator.call(api.wakeSite, { params: { siteId: numberOf(operation) }, signal });
      // Told where it is, the router counts its visitors: otherwise nobody would put it to sleep again.
      await routers.release(numberOf(operation), target, signal);
      return `It answered after ${Math.round(target.bootMs)} ms.`;
    },
    refresh: async (operation, signal) => {
      const site = await siteOf(deps, operation);
      const { state } = await orchestrator.call(api.readSiteStatus, { params: { siteId: site.id }, signal });
      if (!hasInstance(site) || site.availability !== "enabled") return "The site has no program to restart.";
      if (state === "asleep" || state === "stopped") return "The program sleeps: it starts with what is new at the next visit.";
      if (!site.settings.canRunTwice) {
        await routers.hold(site.id, { drainMs, signal });
        return routers.release(site.id, await start(operation, signal), signal);
      }
      const note = await routers.switch(site.id, await start(operation, signal), { drainMs, signal });
      await retire(operation, signal);
      return note;
    },
  };
}

const holding: readonly string[] = ["hold", "refresh", "carry"] satisfies readonly StepName[];

/** Puts right what a failed operation left open: visitors held back are let go. */
export function createAbandon(deps: StepDeps): (operation: ClaimedOperation) => Promise<void> {
  return async (operation) => {
    await abandonDatabase(deps, operation);
    const isHolding = operation.steps.some((step) => holding.includes(step.name));
    if (isHolding && operation.siteId !== null) await deps.routers.release(operation.siteId, null, AbortSignal.timeout(5_000));
  };
}

/** Tells the orchestrator what a site should be. */
export async function applySite(deps: StepDeps, site: Site, signal: AbortSignal): Promise<void> {
  const sealed = await deps.sites.environment(site.id);
  const environment = sealed === null ? {} : (JSON.parse(deps.seal.open(sealed)) as Record<string, string>);
  const database = await credentialsOf(deps, site.id);
  const image = await deps.images.referenceFor(site.imageId);
  const routeVersion = await deps.sites.versionAs(site.id, site.name);
  const body = specOf(site, { environment, database, image, routeVersion }, deps.mayEveryoneRun);
  await deps.orchestrator.call(api.applySite, { params: { siteId: site.id }, body, signal });
}

async function siteOf(deps: StepDeps, operation: ClaimedOperation): Promise<Site> {
  const site = operation.siteId === null ? null : await deps.sites.byId(operation.siteId);
  if (site === null) throw new Failure("site_not_found");
  return site;
}

function numberOf(operation: ClaimedOperation): number {
  if (operation.siteId === null) throw new Failure("site_not_found");
  return operation.siteId;
}

// Written by planOperation with the same types; the row in between is JSON.
function inputOf<K extends keyof OperationInputs>(operation: ClaimedOperation): OperationInputs[K] {
  return operation.input as unknown as OperationInputs[K];
}
