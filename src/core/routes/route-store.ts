import type { Site } from "../sites/site.ts";

/** What changed in the route table after a version. */
export interface RouteChanges {
  readonly version: number;
  /** Sites that have a route (also not-served and disabled ones: they have a page that says so); none that are being deleted. */
  readonly upserts: readonly Site[];
  /** Numbers of sites whose route is gone. */
  readonly removed: readonly number[];
}

/** The route table as the database has it. Versions are given out in the order of commits. */
export interface RouteStore {
  /** All routes. */
  snapshot(): Promise<RouteChanges>;
  /** Changes after a version, in the order of their versions. */
  since(version: number): Promise<RouteChanges>;
  /** Makes everything that routers keep of a site out of date, if they keep anything; gives the version that says so, or null. */
  outdatePages(siteId: number): Promise<number | null>;
}

/** Epochs that grew lately: what a restarted orchestrator may have missed. */
export interface EpochStore {
  /** Within so many milliseconds, by the clock of whoever keeps them: another's need not agree. */
  changedWithin(ms: number): Promise<{ readonly sites: readonly (readonly [number, number])[]; readonly users: readonly (readonly [number, number])[] }>;
}
