import { type Selectable, type SelectExpression, sql } from "kysely";
import type { MemberRole } from "#contract/site.ts";
import type { ActorSite, Site } from "#core/sites/site.ts";
import type { Tables } from "../tables.ts";

/** The columns of a site as it should be. */
export const siteColumns = [
  "sites.id",
  "sites.name",
  "sites.kind",
  "sites.purpose",
  "sites.description",
  "sites.availability",
  "sites.availabilityReason",
  "sites.limits",
  "sites.settings",
  "sites.egress",
  "sites.isDedicated",
  "sites.cache",
  "sites.cacheGeneration",
  "sites.revision",
  "sites.epoch",
  "sites.lifecycle",
  "sites.nodeId",
  "sites.placement",
  "sites.isTakenOver",
  "sites.imageId",
  "sites.createdAt",
  "sites.updatedAt",
] as const satisfies readonly SelectExpression<Tables, "sites">[];

/** Whether one of a site's owners is an administrator who may sign in. */
export const isOwnedByAdministrator = sql<boolean>`exists (
  select 1 from site_members as owner join users as person on person.id = owner.user_id
  where owner.site_id = sites.id and owner.role = 'owner' and person.role = 'administrator' and person.is_active)`;

type SiteRow = Pick<Selectable<Tables["sites"]>, Exclude<keyof Site, "isOwnedByAdministrator">> & { readonly isOwnedByAdministrator: boolean };

/** A site out of a row that may hold more. */
export function siteOf(row: SiteRow): Site {
  const { id, name, kind, purpose, description, availability, availabilityReason, limits, settings, egress, isDedicated, cache, cacheGeneration } = row;
  const { revision, epoch, lifecycle, nodeId, placement, isTakenOver, imageId, isOwnedByAdministrator: isTrusted, createdAt, updatedAt } = row;
  const words = { id, name, kind, purpose, description, availability, availabilityReason, limits, settings, egress, isDedicated, cache, cacheGeneration };
  return { ...words, revision, epoch, lifecycle, nodeId, placement, isTakenOver, imageId, isOwnedByAdministrator: isTrusted, createdAt, updatedAt };
}

/** A site with the role of the person who asked. */
export function actorSiteOf(row: SiteRow & { readonly role: MemberRole | null }): ActorSite {
  return { ...siteOf(row), role: row.role };
}
