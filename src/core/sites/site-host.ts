import type { Capabilities } from "#contract/internal/orchestrator.ts";
import type { SiteStatus } from "#contract/site.ts";

/** What the machine that runs the sites can do and is doing, as far as the manager knows right now. */
export interface SiteHost {
  /** Null while the orchestrator is away. */
  capabilities(): Promise<Capabilities | null>;
  /** The latest known status of a site's program. */
  statusOf(siteId: number): SiteStatus | undefined;
}
