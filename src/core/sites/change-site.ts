import { Failure } from "#contract/failure.ts";
import { hasInstance } from "#contract/site.ts";
import type { Actor } from "../accounts/user.ts";
import type { Operation } from "../operations/operation.ts";
import type { OperationStore } from "../operations/operation-store.ts";
import { planOperation } from "../operations/plan.ts";
import { demandCanRun, type RunPolicy } from "./run-policy.ts";
import type { ActorSite } from "./site.ts";
import type { SiteHost } from "./site-host.ts";
import type { SiteStore } from "./site-store.ts";

/** What acting on a site needs. */
export interface ChangeSiteDeps {
  readonly sites: SiteStore;
  readonly operations: OperationStore;
  readonly host: SiteHost;
  readonly runPolicy: RunPolicy;
  readonly newId: () => string;
}

/**
 * Queues a restart, sleep or wake of the site's program.
 * @throws {Failure} `site_static`, `site_disabled`, `isolation_missing`.
 */
export async function runSite(
  deps: ChangeSiteDeps,
  actor: Actor,
  request: { readonly site: ActorSite; readonly verb: "restart" | "sleep" | "wake" },
): Promise<Operation> {
  const { site, verb } = request;
  if (!hasInstance(site)) throw new Failure("site_static");
  if (verb !== "sleep") {
    // It stays so until an administrator says otherwise: who asks again and again gets no further.
    if (site.availability !== "enabled") throw new Failure("site_disabled");
    demandCanRun(deps.runPolicy, await deps.host.capabilities(), site.isOwnedByAdministrator);
  }
  return deps.operations.queue(site, planOperation({ ...commonOf(deps, actor, site), kind: verb, input: {} }));
}

/** Queues the deployment of an archive that was uploaded before. */
export async function deploySite(deps: ChangeSiteDeps, actor: Actor, request: { readonly site: ActorSite; readonly uploadId: string }): Promise<Operation> {
  const { site, uploadId } = request;
  return deps.operations.queue(site, planOperation({ ...commonOf(deps, actor, site), kind: "deploy", input: { uploadId } }));
}

/** Takes the site's address away at once and queues the rest of its deletion. */
export async function deleteSite(deps: ChangeSiteDeps, actor: Actor, site: ActorSite): Promise<Operation> {
  return deps.sites.delete(site, planOperation({ ...commonOf(deps, actor, site), kind: "delete", input: {} }));
}

function commonOf(deps: ChangeSiteDeps, actor: Actor, site: ActorSite) {
  return { id: deps.newId(), subject: { kind: site.kind, canRunTwice: site.settings.canRunTwice }, requestedById: actor.user.id };
}
