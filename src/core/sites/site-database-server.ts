import type { DatabaseHold } from "./site-database.ts";

/** A site's database on its server. */
export interface DatabaseIdentity {
  /** `site_12`: the database and the role that owns it. */
  readonly name: string;
  /** What tells it from one of the same name that something else has made. */
  readonly id: string;
}

/** The server that holds sites' databases. Everything may be asked again after a crash. */
export interface SiteDatabaseServer {
  /** Makes role and database, or what is missing of them. @throws {Failure} `site_database_taken`. */
  make(database: DatabaseIdentity, password: string): Promise<void>;
  /** @throws {Failure} `site_database_taken`. */
  setPassword(database: DatabaseIdentity, password: string): Promise<void>;
  /** Ends its connections and removes database and role; those of something else stay. */
  drop(database: DatabaseIdentity): Promise<void>;
  /** Sizes in bytes, by name; what is not there is left out. */
  sizes(names: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Holds writes or connections back, or lets them go; open connections end so that it takes effect. */
  hold(database: DatabaseIdentity, hold: DatabaseHold): Promise<void>;
}
