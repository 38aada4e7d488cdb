import { hasInstance, type MemberRole, type SiteAvailability, type SiteEgress, type SiteKind, type SiteLimits, type SitePurpose } from "#contract/site.ts";
import type { SiteCache } from "#contract/site-cache.ts";

/** What members can set for a site's program. */
export interface SiteSettings {
  /** Null keeps the program awake. */
  readonly idleSeconds: number | null;
  readonly botsWake: boolean;
  readonly canRunTwice: boolean;
  readonly timeZone: string;
}

/** What a new site has. */
export const defaultSiteSettings: SiteSettings = { idleSeconds: 600, botsWake: false, canRunTwice: true, timeZone: "UTC" };

/** A site as it should be. What its program does right now, the orchestrator knows. */
export interface Site {
  readonly id: number;
  readonly name: string;
  readonly kind: SiteKind;
  readonly purpose: SitePurpose;
  readonly description: string;
  readonly availability: SiteAvailability;
  readonly availabilityReason: string;
  readonly limits: SiteLimits;
  readonly settings: SiteSettings;
  readonly egress: SiteEgress;
  /** Static: it has a file server of its own. */
  readonly isDedicated: boolean;
  readonly cache: SiteCache;
  /** Grows whenever answers that routers keep are out of date. */
  readonly cacheGeneration: number;
  /** The image of the catalogue that its programs run in; null: the default one. */
  readonly imageId: number | null;
  /** Grows with every change that the orchestrator has to know. */
  readonly revision: number;
  /** Grows when members or availability change: grants of an earlier epoch are refused. */
  readonly epoch: number;
  readonly lifecycle: "creating" | "active" | "deleting";
  /** The orchestrator that is responsible for it; null: the first one. */
  readonly nodeId: string | null;
  /** Grows whenever another one becomes responsible. */
  readonly placement: number;
  /** The one before was not heard any more when that happened. */
  readonly isTakenOver: boolean;
  /** An owner is an administrator: its program may run where sites cannot be isolated. */
  readonly isOwnedByAdministrator: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Whether something runs for the site also while nobody visits it. */
export function staysAwake(site: Pick<Site, "kind" | "isDedicated" | "settings">): boolean {
  return hasInstance(site) && site.settings.idleSeconds === null;
}

/** A site together with the person who asked for it: the only form in which use-cases see one. */
export interface ActorSite extends Site {
  /** Null for an administrator who is no member. */
  readonly role: MemberRole | null;
}

/** A member of a site. */
export interface Member {
  readonly userId: number;
  readonly username: string;
  readonly role: MemberRole;
}
