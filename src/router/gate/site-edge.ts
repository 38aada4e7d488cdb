import type { SiteAddress } from "#contract/site-spec.ts";
import type { LiveInstance } from "./target.ts";

/** A balancer before this router, which sends plain requests to sites' programs by itself. */
export interface SiteEdge {
  /** New requests of the site may go straight to this instance. */
  open(siteId: number, live: LiveInstance): void;
  /** New requests of the site come to this router. Resolves as soon as that is so. */
  close(siteId: number): Promise<void>;
  /** Resolves when the balancer does as it was told so far. */
  settled(): Promise<void>;
  /** Requests under way straight to this address, as far as was last counted. */
  underWay(address: SiteAddress): number;
  /** Counts anew. */
  count(): Promise<void>;
}
