import type { MemberRole, SiteAvailability, SiteEgress, SiteKind, SiteLimits, SitePurpose } from "#contract/site.ts";
import type { SiteCache } from "#contract/site-cache.ts";
import type { Actor } from "../accounts/user.ts";
import type { NewOperation, Operation } from "../operations/operation.ts";
import type { Page, PageRequest } from "../page.ts";
import type { ActorSite, Member, Site, SiteSettings } from "./site.ts";

/** Everything a new site needs. */
export interface NewSite {
  readonly name: string;
  readonly kind: SiteKind;
  readonly purpose: SitePurpose;
  readonly description: string;
  readonly limits: SiteLimits;
  readonly settings: SiteSettings;
  readonly egress: SiteEgress;
  /** The most sites that its owner may own; null for no limit. */
  readonly ownerLimit: number | null;
  /** Null or absent: the default image. */
  readonly imageId?: number | null;
  /** The orchestrator for it; null or absent: the first one. */
  readonly nodeId?: string | null;
}

/** What changes of a site; absent fields stay. */
export interface SiteChanges {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly kind?: SiteKind | undefined;
  readonly settings?: SiteSettings | undefined;
  readonly limits?: SiteLimits | undefined;
  readonly egress?: SiteEgress | undefined;
  readonly isDedicated?: boolean | undefined;
  readonly cache?: SiteCache | undefined;
  readonly availability?: SiteAvailability | undefined;
  readonly imageId?: number | null | undefined;
  readonly availabilityReason?: string | undefined;
  /** Sealed by the caller. */
  readonly environment?: string | undefined;
}

/** What there is to say of a site's state, and to whom: its members. Administrators see every site. */
export interface SiteAudience {
  readonly site: Pick<Site, "name" | "kind" | "isDedicated" | "availability" | "availabilityReason" | "lifecycle" | "updatedAt">;
  readonly memberIds: ReadonlySet<number>;
}

/** A change of a site. */
export interface PlannedChange {
  readonly changes: SiteChanges;
  readonly operation: NewOperation | null;
  /** The most sites that each of its owners may keep awake, when this change makes it one of those; absent: that is no matter. */
  readonly awakeLimit?: number | undefined;
}

/** Decides what to change by what the site and its sealed environment are at that moment, and what carries it out. It may be asked again: pure. */
export type SitePlan = (site: Site, environment: string | null) => PlannedChange;

/**
 * Sites as people see them. Each load takes the person who asks: someone who is no member (and no administrator) gets null,
 * the same as for a site that does not exist.
 */
export interface SiteStore {
  forActor(actor: Actor, name: string): Promise<ActorSite | null>;
  /** The same by number, for events that carry only that. */
  numberForActor(actor: Actor, id: number): Promise<ActorSite | null>;
  /** For events that many people follow: of those numbers that are sites. */
  audiencesOf(ids: readonly number[]): Promise<ReadonlyMap<number, SiteAudience>>;
  /** By name; `all` counts only for administrators. `search` matches a part of name or description. */
  listFor(actor: Actor, request: PageRequest & { readonly search?: string | undefined; readonly all: boolean }): Promise<Page<ActorSite>>;
  /**
   * Creates the site, its first owner (the actor) and the operation that brings it to life, or nothing.
   * @throws {Failure} `site_name_taken`, `site_limit_reached`.
   */
  create(actor: Actor, site: NewSite, operation: NewOperation): Promise<{ readonly site: ActorSite; readonly operation: Operation }>;
  /**
   * Changes the site and queues the operation that carries it out, or nothing; nobody else changes it between what `plan` is shown and
   * that. Grows revision and route version; a change of availability grows the epoch too.
   * @throws {Failure} `site_name_taken`, `site_being_deleted`, `awake_sites_used_up`, what `plan` throws.
   */
  update(site: ActorSite, plan: SitePlan): Promise<{ readonly site: ActorSite; readonly operation: Operation | null }>;
  /** Marks the site as going away (routes stop at once) and queues its deletion; asked again, the operation under way is given. */
  delete(site: ActorSite, operation: NewOperation): Promise<Operation>;
  /** The sealed environment; null when none was set. */
  environment(site: ActorSite): Promise<string | null>;
  members(site: ActorSite): Promise<readonly Member[]>;
  /** Adds or changes a member and grows the site's epoch. @throws {Failure} `last_owner`. */
  setMember(site: ActorSite, userId: number, role: MemberRole): Promise<void>;
  /** Removes a member and grows the site's epoch; false when they were none. @throws {Failure} `last_owner`. */
  removeMember(site: ActorSite, userId: number): Promise<boolean>;
}

/** As much of a site as comparing it with the orchestrator takes. */
export type SiteOutline = Pick<Site, "id" | "revision" | "lifecycle" | "nodeId" | "placement">;

/** Sites as the reconciler and the operations see them: by number, without a person. Only the worker is given one. */
export interface ReconcilerSiteStore {
  byId(id: number): Promise<Site | null>;
  /** Sealed environment; null when none was set. */
  environment(id: number): Promise<string | null>;
  /** A short text that is another one as soon as any outline has changed: cheaper than all of them, for whoever looks over and over. */
  outlinesStamp(): Promise<string>;
  /** What tells whether a site has drifted, of every site after this number, by number. Asked for all sites over and over, so it is little. */
  outlinesAfter(id: number, limit: number): Promise<readonly SiteOutline[]>;
  /** The starter that its files were to be copied from when it was created; null for none, and when an archive has replaced its files since. */
  starterOf(id: number): Promise<string | null>;
  /** The site has come to life. */
  markActive(id: number): Promise<void>;
  /** Makes everything that routers keep of the site out of date, if they keep anything; gives the version of the route table that says so, or null. */
  outdatePages(id: number): Promise<number | null>;
  /** Removes the row; its operations stay, with the site's name. Gone already is success. */
  remove(id: number): Promise<void>;
  /** Those of the numbers whose sites this very database has seen deleted. A number that it never knew is not among them. */
  deletedAmong(ids: readonly number[]): Promise<readonly number[]>;
  /** The newest version of the route table that concerns this site. */
  routeVersion(id: number): Promise<number>;
  /** The same if the site has this name now; 0 when it has another one, or is gone. */
  versionAs(id: number, name: string): Promise<number>;
}
