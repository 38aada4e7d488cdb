import type { RestOutcome } from "#contract/internal/site-rest.ts";
import type { ConnectionPool } from "../proxy/upstream-pool.ts";
import type { SiteEdge } from "./site-edge.ts";
import type { LiveInstance, Target } from "./target.ts";

/** What a gate needs of the world. */
export interface GateDeps {
  /** Starts the program unless it runs; rejects with a `Failure`. */
  readonly wake: (siteId: number) => Promise<LiveInstance>;
  /** Stops the program if it is (still) this instance. */
  readonly sleep: (siteId: number, instance: string | undefined) => Promise<void>;
  /** Freezes this instance, which may be stopped after so many seconds more. */
  readonly freeze: (siteId: number, instance: string, sleepAfterSeconds: number) => Promise<RestOutcome>;
  /** What sends requests to programs past the gates; absent when they all come through them. */
  readonly edge?: SiteEdge | undefined;
  /** The site is said to be there from now on. */
  readonly arrived: (siteId: number, target: Target) => void;
  readonly createPool: (live: LiveInstance) => ConnectionPool;
  /** A clock that nobody sets: waits, holds and idle times are measured by it. */
  readonly now: () => number;
  readonly waitMs: number;
  readonly mostWaiting: number;
  readonly mostInFlight: number;
}
