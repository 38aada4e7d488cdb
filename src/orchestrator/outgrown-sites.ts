import type { Log } from "#kit/log.ts";
import type { OrchestratorConfig } from "./config.ts";
import type { QuotaBook } from "./files/quota-book.ts";
import type { RunBook } from "./runs/run-book.ts";
import type { HeldSites } from "./sites/held-sites.ts";
import { QuotaWatch } from "./sites/quota-watch.ts";
import type { TerminalBook } from "./terminals/terminal-book.ts";

/** Stops what has outgrown its site. */
export function quotaWatchOf(parts: {
  readonly config: OrchestratorConfig;
  readonly log: Log;
  readonly quota: QuotaBook;
  readonly runs: RunBook;
  readonly terminals: TerminalBook;
  readonly sites: () => HeldSites;
}): QuotaWatch {
  const { config, log, quota, runs, terminals, sites } = parts;
  return new QuotaWatch({
    running: () => [...new Set([...runs.takeActiveSites(), ...terminals.takeActiveSites(), ...sites().takeActiveSites()])],
    excess: (siteId) => quota.excess(siteId),
    stop: async (siteId, failure) => {
      await Promise.all([sites().runnerOf(siteId).stopBecause(failure), runs.endSite(siteId, failure.message), terminals.endSite(siteId, "site_full")]);
    },
    log,
    everyMs: config.BACKLOT_QUOTA_WATCH_MS,
  });
}
