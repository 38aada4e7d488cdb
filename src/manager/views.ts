import type { AuditView, OperationView, SiteView, UserView } from "#contract/api/views.ts";
import { hasInstance, type SiteStatus } from "#contract/site.ts";
import type { Actor, User } from "#core/accounts/user.ts";
import type { KeptAuditEntry } from "#core/audit/audit-store.ts";
import type { Operation } from "#core/operations/operation.ts";
import { verbsFor } from "#core/policy/policy.ts";
import type { ActorSite } from "#core/sites/site.ts";
import type { SiteAudience } from "#core/sites/site-store.ts";

const iso = (at: Date): string => at.toISOString();
const isoOrNull = (at: Date | null): string | null => at?.toISOString() ?? null;

/** A person as others see them. */
export function userViewOf(user: User): UserView {
  return { id: user.id, username: user.username, role: user.role, isActive: user.isActive, createdAt: iso(user.createdAt) };
}

/** A site as the asker sees it. */
export function siteViewOf(site: ActorSite, actor: Actor, known: { readonly status: SiteStatus | undefined; readonly sitePattern: string }): SiteView {
  const status = statusOf(site, known.status);
  return {
    id: site.id,
    name: site.name,
    url: known.sitePattern.replace("{name}", site.name),
    description: site.description,
    kind: site.kind,
    purpose: site.purpose,
    availability: site.availability,
    availabilityReason: site.availabilityReason,
    state: status.state,
    status,
    limits: site.limits,
    image: site.imageId,
    dedicated: site.isDedicated,
    egress: site.egress,
    cache: site.cache,
    settings: site.settings,
    you: { role: site.role, may: [...verbsFor({ userRole: actor.user.role, memberRole: site.role, availability: site.availability })] },
    createdAt: iso(site.createdAt),
    updatedAt: iso(site.updatedAt),
  };
}

/** What is said of a site: availability first, then what the orchestrator knows, then what follows from the site itself. */
export function statusOf(site: SiteAudience["site"], known: SiteStatus | undefined): SiteStatus {
  const since = iso(site.updatedAt);
  if (site.availability !== "enabled") return { state: site.availability, reason: site.availabilityReason || null, since };
  // Its address may be there already, without its files.
  if (site.lifecycle === "creating") return { state: "starting", reason: "The site is being created; a step that fails is tried again by itself.", since };
  if (site.lifecycle === "deleting") return { state: "stopping", reason: "The site is being deleted.", since };
  if (!hasInstance(site)) return { state: "running", reason: null, since };
  return known ?? { state: "asleep", reason: null, since };
}

/** An operation as people see it. */
export function operationViewOf(operation: Operation): OperationView {
  return {
    id: operation.id,
    kind: operation.kind,
    state: operation.state,
    site: operation.siteName,
    requestedBy: operation.requestedBy,
    failure: operation.failure,
    steps: operation.steps.map((step) => ({ ...step, startedAt: isoOrNull(step.startedAt), finishedAt: isoOrNull(step.finishedAt) })),
    createdAt: iso(operation.createdAt),
    startedAt: isoOrNull(operation.startedAt),
    finishedAt: isoOrNull(operation.finishedAt),
  };
}

/** An entry of the audit trail as people see it. */
export function auditViewOf(entry: KeptAuditEntry): AuditView {
  return {
    id: entry.id,
    at: iso(entry.at),
    actor: entry.actorName,
    door: entry.door,
    address: entry.address,
    action: entry.action,
    site: entry.siteName,
    details: { ...entry.details },
  };
}
