import { join } from "node:path";
import { systemClock } from "#kit/clock.ts";
import type { Log } from "#kit/log.ts";
import type { OrchestratorConfig } from "../config.ts";
import { DeedJournal } from "../deeds/deed-journal.ts";
import { createNoteDeed, type NoteDeed } from "../deeds/doer.ts";
import type { SiteShelf } from "../files/site-shelf.ts";
import { Histories } from "./histories.ts";

/** What is kept of files beside them: their earlier versions, and what was done to them. */
export interface FilePast {
  readonly history: Histories;
  readonly deeds: DeedJournal;
  readonly note: NoteDeed;
  close(): Promise<void>;
}

/** Opens both, as the settings say: deeds in the orchestrator's own folder, versions where everything of sites is kept. */
export async function openPast(
  deps: { readonly config: OrchestratorConfig; readonly log: Log; readonly sites: SiteShelf },
  places: { readonly state: string; readonly siteState: string },
): Promise<FilePast> {
  const { config, log, sites } = deps;
  const limits = {
    bytes: config.BACKLOT_HISTORY_BYTES,
    versionsPerFile: config.BACKLOT_HISTORY_VERSIONS,
    days: config.BACKLOT_HISTORY_DAYS,
    fileBytes: config.BACKLOT_HISTORY_FILE_BYTES,
  };
  const isHeld = (siteId: number): boolean => sites.specOf(siteId) !== undefined;
  const reservedBytes = config.BACKLOT_DISK_RESERVE_BYTES;
  const history = new Histories({
    folder: join(places.siteState, "history"),
    limits,
    clock: systemClock,
    log,
    reservedBytes,
    isHeld,
    isShared: places.siteState !== places.state,
  });
  const deeds = await DeedJournal.open(join(places.state, "deeds"), (count) => log.error({ count }, "deeds were forgotten before anybody collected them"));
  const close = (): Promise<void> => {
    history.stop();
    return deeds.close();
  };
  return { history, deeds, note: createNoteDeed(deeds, { sites, log }), close };
}
