import type { Actor } from "#core/accounts/user.ts";
import type { AuditStore } from "#core/audit/audit-store.ts";

/** Notes what a person did; on a site, or on the installation. */
export type Note = (
  actor: Actor,
  action: string,
  about?: { readonly site?: { readonly id: number; readonly name: string }; readonly details?: Readonly<Record<string, unknown>> },
) => Promise<void>;

/** Writes people's deeds into the audit trail. */
export function createNote(audit: AuditStore): Note {
  return async (actor, action, about = {}) =>
    audit.record({
      actorId: actor.user.id,
      actorName: actor.user.username,
      door: actor.door,
      address: actor.address,
      action,
      siteId: about.site?.id ?? null,
      siteName: about.site?.name ?? null,
      details: about.details ?? {},
    });
}
