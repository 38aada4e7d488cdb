import type { Capabilities } from "#contract/internal/orchestrator.ts";
import { steadyClock } from "#kit/clock.ts";
import type { Log } from "#kit/log.ts";
import type { OrchestratorConfig } from "../config.ts";
import type { HeldSites } from "./held-sites.ts";
import { isMemoryShort } from "./memory-pressure.ts";
import { RouterClaims } from "./router-claims.ts";
import { SiteRests } from "./site-rests.ts";
import type { SpecStore } from "./spec-store.ts";

/** Lets programs rest that nobody visits, by the orchestrator's settings. */
export function openRests(parts: {
  readonly config: Pick<OrchestratorConfig, "BACKLOT_FROZEN_BYTES" | "BACKLOT_REST_LOOK_MS">;
  readonly sites: HeldSites;
  readonly specs: SpecStore;
  readonly capabilities: { readonly now: Capabilities };
  readonly log: Log;
}): SiteRests {
  const { config, sites, specs, capabilities, log } = parts;
  return new SiteRests({
    claims: new RouterClaims(steadyClock),
    runnerOf: (siteId) => sites.heldRunnerOf(siteId),
    memoryLimitOf: (siteId) => specs.get(siteId)?.limits.memoryBytes ?? 0,
    freezes: () => capabilities.now.freezes && config.BACKLOT_FROZEN_BYTES > 0,
    frozenBytes: config.BACKLOT_FROZEN_BYTES,
    isMemoryShort,
    clock: steadyClock,
    log,
    everyMs: config.BACKLOT_REST_LOOK_MS,
  });
}
