import { systemClock } from "#kit/clock.ts";
import type { Log } from "#kit/log.ts";
import type { OrchestratorConfig } from "../config.ts";
import { Histories } from "./histories.ts";

/** The histories of all sites, as the settings say. */
export function openHistories(
  deps: { readonly config: OrchestratorConfig; readonly log: Log; readonly isHeld: (siteId: number) => boolean },
  folder: string,
): Histories {
  const { config, log, isHeld } = deps;
  const limits = {
    bytes: config.BACKLOT_HISTORY_BYTES,
    versionsPerFile: config.BACKLOT_HISTORY_VERSIONS,
    days: config.BACKLOT_HISTORY_DAYS,
    fileBytes: config.BACKLOT_HISTORY_FILE_BYTES,
  };
  return new Histories({ folder, limits, clock: systemClock, log, reservedBytes: config.BACKLOT_DISK_RESERVE_BYTES, isHeld });
}
