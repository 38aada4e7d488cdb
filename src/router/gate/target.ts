import type { SiteAddress } from "#contract/site-spec.ts";
import type { ConnectionPool } from "../proxy/upstream-pool.ts";

/** Where a running instance of a site listens, as the orchestrator told. */
export interface LiveInstance {
  readonly address: SiteAddress;
  readonly instance: string;
}

/** An instance that requests are sent to, with its connections and the number of requests that it works on. */
export class Target {
  readonly address: SiteAddress;
  readonly instance: string;
  readonly pool: ConnectionPool;
  readonly #place: string;
  inFlight = 0;

  constructor(live: LiveInstance, pool: ConnectionPool) {
    this.address = live.address;
    this.instance = live.instance;
    this.pool = pool;
    this.#place = JSON.stringify(live.address);
  }

  /** Whether this is the same program at the same place. */
  is(live: LiveInstance): boolean {
    return this.instance === live.instance && this.isAt(live.address);
  }

  isAt(address: SiteAddress): boolean {
    return this.#place === JSON.stringify(address);
  }

  /** Whether another instance is said to be at the same place. */
  meets(other: Target): boolean {
    return this !== other && this.#place === other.#place;
  }
}
