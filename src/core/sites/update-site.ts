import { createHash } from "node:crypto";
import { Failure } from "#contract/failure.ts";
import type { Capabilities } from "#contract/internal/orchestrator.ts";
import { hasInstance, type SiteAvailability, type SiteEgress, type SiteKind, type SiteLimits } from "#contract/site.ts";
import type { SiteCache } from "#contract/site-cache.ts";
import type { Actor } from "../accounts/user.ts";
import { demandImage } from "../images/choose-image.ts";
import type { ImageStore } from "../images/image-store.ts";
import type { NewOperation, Operation } from "../operations/operation.ts";
import { planOperation } from "../operations/plan.ts";
import { demandCanRun, type RunPolicy } from "./run-policy.ts";
import { type ActorSite, type Site, type SiteSettings, staysAwake } from "./site.ts";
import type { SiteHost } from "./site-host.ts";
import { checkSiteName } from "./site-name.ts";
import type { SiteChanges, SiteStore } from "./site-store.ts";

/** What changing a site needs. */
export interface UpdateSiteDeps {
  readonly sites: SiteStore;
  readonly host: SiteHost;
  readonly runPolicy: RunPolicy;
  readonly images: Pick<ImageStore, "byId">;
  readonly newId: () => string;
  /** The most sites that someone who is no administrator may keep awake. */
  readonly awakeLimit: number;
}

/** What is asked for; absent fields stay. */
export interface UpdateSiteInput {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly kind?: SiteKind | undefined;
  readonly settings?: { readonly [K in keyof SiteSettings]?: SiteSettings[K] | undefined } | undefined;
  readonly cache?: { readonly [K in keyof SiteCache]?: SiteCache[K] | undefined } | undefined;
  readonly availability?: SiteAvailability | undefined;
  readonly limits?: { readonly [K in keyof SiteLimits]?: SiteLimits[K] | undefined } | undefined;
  readonly egress?: SiteEgress | undefined;
  readonly image?: number | null | undefined;
  readonly dedicated?: boolean | undefined;
  readonly reason?: string | undefined;
}

/**
 * Changes a site and queues what carries the change out; a change of words alone needs no operation.
 * @throws {Failure} when the change is not allowed to this person or makes no sense; then nothing has changed.
 */
export async function updateSite(
  deps: UpdateSiteDeps,
  actor: Actor,
  request: { readonly site: ActorSite; readonly input: UpdateSiteInput },
): Promise<{ readonly site: ActorSite; readonly operation: Operation | null }> {
  const { site, input } = request;
  checkInput(actor, site, input);
  if (input.image !== undefined && input.image !== site.imageId) await demandImage(deps.images, actor, input.image);
  const asksForMore = input.kind === "dynamic" || input.egress === "internet" || input.dedicated === true;
  const capabilities = asksForMore ? await deps.host.capabilities() : null;
  const id = deps.newId();
  return deps.sites.update(site, (now) => {
    if (input.kind === "dynamic" && now.kind === "static") {
      demandCanRun(deps.runPolicy, capabilities, actor.user.role === "administrator" || now.isOwnedByAdministrator);
    }
    if (input.egress === "internet" && now.egress !== "internet") demandEgress(capabilities);
    if (input.dedicated === true && !now.isDedicated) demandDedication(input.kind ?? now.kind, capabilities);
    const changes = changesOf(now, input);
    const operation = operationFor(id, actor, { site: now, changes });
    return isCounted(actor, now, changes) ? { changes, operation, awakeLimit: deps.awakeLimit } : { changes, operation };
  });
}

/**
 * Replaces the site's environment by a sealed one that the contract has judged. With `expected`, only if it still has that version.
 * @throws {Failure} `environment_changed`; then nothing has changed.
 */
export async function writeEnvironment(
  deps: Pick<UpdateSiteDeps, "sites" | "newId">,
  actor: Actor,
  request: { readonly site: ActorSite; readonly sealed: string; readonly expected?: string | undefined },
): Promise<Operation | null> {
  const changes: SiteChanges = { environment: request.sealed };
  const id = deps.newId();
  const { operation } = await deps.sites.update(request.site, (site, held) => {
    if (request.expected !== undefined && request.expected !== environmentVersion(held)) throw new Failure("environment_changed");
    return { changes, operation: operationFor(id, actor, { site, changes }) };
  });
  return operation;
}

/** What tells one state of a sealed environment from another: sealing the same values again gives another version too. */
export function environmentVersion(sealed: string | null): string {
  return createHash("sha256")
    .update(sealed ?? "")
    .digest("hex");
}

function checkInput(actor: Actor, site: ActorSite, input: UpdateSiteInput): void {
  if (input.name !== undefined && input.name !== site.name) {
    if (site.purpose === "user") throw new Failure("site_personal_name_fixed");
    checkSiteName(input.name, site.purpose);
  }
  if (input.settings?.timeZone !== undefined && !isTimeZone(input.settings.timeZone)) {
    throw new Failure("input_invalid", { detail: `settings.timeZone: ${input.settings.timeZone} is not a time zone such as Europe/Berlin.` });
  }
  const isOfAdministrators = [input.availability, input.limits, input.egress].some((field) => field !== undefined);
  if ((isOfAdministrators || input.dedicated !== undefined) && actor.user.role !== "administrator") throw new Failure("administrators_only");
  if (!isOfAdministrators) return;
  if (input.reason === undefined || input.reason === "") throw new Failure("limits_need_reason");
}

/** While the orchestrator is away nothing is refused: it gives a program what it can, and says what it cannot. */
function demandEgress(capabilities: Capabilities | null): void {
  if (capabilities === null || capabilities.egress.isAvailable) return;
  throw new Failure("egress_unavailable", { reason: capabilities.egress.notes.join(" ") });
}

function demandDedication(kind: SiteKind, capabilities: Capabilities | null): void {
  if (kind !== "static") throw new Failure("input_invalid", { detail: "dedicated: only a static site can have a file server." });
  if (capabilities !== null && capabilities.dedicates !== true) throw new Failure("dedicated_unavailable");
}

/** Whether the change takes one of the places that owners have for sites that never sleep. What is awake already may be changed otherwise. */
function isCounted(actor: Actor, site: Site, changes: SiteChanges): boolean {
  if (actor.user.role === "administrator" || site.isOwnedByAdministrator || staysAwake(site)) return false;
  return staysAwake({
    kind: changes.kind ?? site.kind,
    isDedicated: changes.isDedicated ?? site.isDedicated,
    settings: changes.settings ?? site.settings,
  });
}

function changesOf(site: Site, input: UpdateSiteInput): SiteChanges {
  return {
    ...(input.name === undefined || input.name === site.name ? {} : { name: input.name }),
    ...(input.description === undefined ? {} : { description: input.description }),
    ...(input.kind === undefined || input.kind === site.kind ? {} : { kind: input.kind }),
    ...(input.settings === undefined ? {} : { settings: withChanges(site.settings, input.settings) }),
    ...(input.cache === undefined ? {} : { cache: withChanges(site.cache, input.cache) }),
    ...(input.image === undefined || input.image === site.imageId ? {} : { imageId: input.image }),
    ...(input.dedicated === undefined || input.dedicated === site.isDedicated ? {} : { isDedicated: input.dedicated }),
    ...(input.egress === undefined || input.egress === site.egress ? {} : { egress: input.egress }),
    ...(input.limits === undefined ? {} : { limits: withChanges(site.limits, input.limits) }),
    ...(input.availability === undefined
      ? {}
      : { availability: input.availability, availabilityReason: input.availability === "enabled" ? "" : (input.reason ?? "") }),
  };
}

function withChanges<T extends object>(base: T, changes: { readonly [K in keyof T]?: T[K] | undefined }): T {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  // Only keys of T with values of T are left.
  return { ...base, ...(Object.fromEntries(given) as Partial<T>) };
}

function operationFor(id: string, actor: Actor, request: { readonly site: Site; readonly changes: SiteChanges }): NewOperation | null {
  const { site, changes } = request;
  const after = { kind: changes.kind ?? site.kind, isDedicated: changes.isDedicated ?? site.isDedicated };
  const subject = {
    kind: hasInstance(after) ? ("dynamic" as const) : ("static" as const),
    canRunTwice: changes.settings?.canRunTwice ?? site.settings.canRunTwice,
  };
  const common = { id, subject, requestedById: actor.user.id };
  const { name, description: _words, ...rest } = changes;
  const needsRestart =
    subject.kind === "dynamic" &&
    (changes.environment !== undefined ||
      changes.limits !== undefined ||
      changes.egress !== undefined ||
      changes.imageId !== undefined ||
      // Something else is to run from now on than what may be running.
      (hasInstance(site) && (changes.kind !== undefined || changes.isDedicated !== undefined)) ||
      (changes.settings?.timeZone !== site.settings.timeZone && changes.settings !== undefined));
  if (Object.keys(rest).length > 0)
    return planOperation({ ...common, kind: "configure", input: { needsRestart, losesProgram: hasInstance(site) && !hasInstance(after) } });
  return name === undefined ? null : planOperation({ ...common, kind: "rename", input: {} });
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
