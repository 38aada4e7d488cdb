import { Failure } from "#contract/failure.ts";
import type { Capabilities } from "#contract/internal/orchestrator.ts";
import { defaultSiteLimits, type SiteEgress, type SiteKind, type SitePurpose } from "#contract/site.ts";
import type { Actor } from "../accounts/user.ts";
import { demandImage } from "../images/choose-image.ts";
import type { ImageStore } from "../images/image-store.ts";
import type { Operation } from "../operations/operation.ts";
import { planOperation } from "../operations/plan.ts";
import { demandCanRun, type RunPolicy } from "./run-policy.ts";
import type { ActorSite } from "./site.ts";
import { defaultSiteSettings } from "./site.ts";
import type { SiteHost } from "./site-host.ts";
import { checkSiteName } from "./site-name.ts";
import type { SiteStore } from "./site-store.ts";

/** What creating a site needs. */
export interface CreateSiteDeps {
  readonly sites: SiteStore;
  readonly host: SiteHost;
  readonly runPolicy: RunPolicy;
  readonly newId: () => string;
  /** The most sites that someone who is no administrator may own. */
  readonly siteLimit: number;
  /** Where programs of new sites may connect to. */
  readonly siteEgress: SiteEgress;
  readonly images: Pick<ImageStore, "byId">;
  /** The orchestrator for a new site; null: the first one. */
  readonly placeNew: () => Promise<string | null>;
}

/** What is asked for. */
export interface CreateSiteInput {
  readonly name: string;
  readonly kind: SiteKind;
  readonly starter?: string | undefined;
  readonly purpose: SitePurpose;
  readonly description: string;
  /** Null or absent: the default image. */
  readonly image?: number | null | undefined;
}

/**
 * Creates a site with its owner and the operation that brings it to life.
 * @throws {Failure} for a name that cannot be had, a starter that is not there or cannot run here, too many sites.
 */
export async function createSite(
  deps: CreateSiteDeps,
  actor: Actor,
  input: CreateSiteInput,
): Promise<{ readonly site: ActorSite; readonly operation: Operation }> {
  checkPurpose(actor, input);
  checkSiteName(input.name, input.purpose);
  await demandImage(deps.images, actor, input.image ?? null);
  const isAdministrator = actor.user.role === "administrator";
  const capabilities = input.kind === "dynamic" || input.starter !== undefined ? await deps.host.capabilities() : null;
  if (input.kind === "dynamic") demandCanRun(deps.runPolicy, capabilities, isAdministrator);
  if (input.starter !== undefined) checkStarter(input.starter, input.kind, capabilities);
  const operation = planOperation({
    id: deps.newId(),
    kind: "create",
    input: { starter: input.starter ?? null },
    subject: { kind: input.kind, canRunTwice: true },
    requestedById: actor.user.id,
  });
  return deps.sites.create(
    actor,
    {
      name: input.name,
      kind: input.kind,
      purpose: input.purpose,
      description: input.description,
      limits: defaultSiteLimits,
      settings: defaultSiteSettings,
      egress: deps.siteEgress,
      ownerLimit: isAdministrator ? null : deps.siteLimit,
      imageId: input.image ?? null,
      nodeId: await deps.placeNew(),
    },
    operation,
  );
}

function checkPurpose(actor: Actor, input: CreateSiteInput): void {
  if (input.purpose === "user" && input.name !== actor.user.username) {
    throw new Failure("input_invalid", { detail: `name: a personal site carries its owner's user name, ${actor.user.username}.` });
  }
  // Clubs' and legacy addresses are handed out by administrators, as in the original.
  const isPlain = input.purpose === "user" || input.purpose === "project";
  if (!isPlain && actor.user.role !== "administrator") throw new Failure("administrators_only");
}

function checkStarter(name: string, kind: SiteKind, capabilities: Capabilities | null): void {
  if (capabilities === null) throw new Failure("component_away", { component: "orchestrator" });
  const starter = capabilities.starters.find((offer) => offer.name === name);
  if (starter === undefined || starter.kind !== kind) {
    const names = capabilities.starters.filter((offer) => offer.kind === kind).map((offer) => offer.name);
    throw new Failure("starter_not_found", { starter: name, starters: names });
  }
  const missing = missingInterpreters(starter.needs, capabilities);
  if (missing.length > 0) throw new Failure("interpreter_missing", { starter: name, interpreter: missing.join(", ") });
}

/** Those of the needed interpreters that the machine lacks. */
export function missingInterpreters(needs: readonly string[], capabilities: Capabilities): readonly string[] {
  return needs.filter((need) => !(need in capabilities.interpreters));
}
