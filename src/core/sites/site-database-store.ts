import type { NewOperation, Operation } from "../operations/operation.ts";
import type { ActorSite } from "./site.ts";
import type { DatabaseHold, SiteDatabase } from "./site-database.ts";

/** Databases of sites as people see them: only together with a site that was loaded for the person who asks. */
export interface SiteDatabaseStore {
  /** Null when the site has none. */
  find(site: ActorSite): Promise<SiteDatabase | null>;
  /**
   * Notes that the site is to have a database, and queues its making, or nothing. One that failed before is taken up again.
   * @throws {Failure} `site_database_exists`, `site_being_deleted`.
   */
  add(site: ActorSite, database: { readonly id: string; readonly password: string }, operation: NewOperation): Promise<Operation>;
  /**
   * Notes the next password and queues the change.
   * @throws {Failure} `site_database_not_found`, `site_busy` while it is being made, changed or deleted.
   */
  changePassword(site: ActorSite, password: string, operation: NewOperation): Promise<Operation>;
  /** Takes the database out of the site's specification and queues its deletion. @throws {Failure} `site_database_not_found`. */
  delete(site: ActorSite, operation: NewOperation): Promise<Operation>;
}

/** A measured database. */
export interface MeasuredDatabase {
  readonly siteId: number;
  readonly bytes: number;
  readonly hold: DatabaseHold;
}

/** Databases of sites by number, for the worker alone. */
export interface ReconcilerDatabaseStore {
  bySite(siteId: number): Promise<SiteDatabase | null>;
  /** Every one that stands, by the number of its site. */
  ready(after: number, limit: number): Promise<readonly SiteDatabase[]>;
  /** It stands: from now on the site's specification has it. */
  markReady(siteId: number): Promise<void>;
  /** It could not be made. */
  markFailed(siteId: number): Promise<void>;
  /** The given password holds now. One that was asked for meanwhile stays pending. */
  passwordChanged(siteId: number, password: string): Promise<void>;
  measured(measurements: readonly MeasuredDatabase[]): Promise<void>;
  /** It is gone from its server. */
  remove(siteId: number): Promise<void>;
}
