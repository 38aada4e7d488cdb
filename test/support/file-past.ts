import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "#kit/clock.ts";
import { EpochTable } from "#kit/epochs.ts";
import { silentLog } from "#kit/log.ts";
import { DeedJournal } from "../../src/orchestrator/deeds/deed-journal.ts";
import { createNoteDeed, type NoteDeed } from "../../src/orchestrator/deeds/doer.ts";
import type { SiteShelf } from "../../src/orchestrator/files/site-shelf.ts";
import { Histories } from "../../src/orchestrator/history/histories.ts";
import type { HistoryLimits } from "../../src/orchestrator/history/version-index.ts";

/** What the orchestrator keeps of files beside them, in a temporary folder. */
export interface Past extends AsyncDisposable {
  readonly folder: string;
  readonly history: Histories;
  readonly deeds: DeedJournal;
  readonly note: NoteDeed;
  readonly epochs: EpochTable;
}

export const pastLimits: HistoryLimits = { bytes: 1_000_000, versionsPerFile: 50, days: 90, fileBytes: 100_000 };

export async function openPast(sites: SiteShelf, limits: Partial<HistoryLimits> = {}): Promise<Past> {
  const folder = mkdtempSync(join(tmpdir(), "backlot-past-"));
  const log = silentLog();
  const history = new Histories({
    folder: join(folder, "history"),
    limits: { ...pastLimits, ...limits },
    clock: systemClock,
    log,
    reservedBytes: 0,
    isHeld: (siteId) => sites.specOf(siteId) !== undefined,
  });
  const deeds = await DeedJournal.open(join(folder, "deeds"));
  return {
    folder,
    history,
    deeds,
    note: createNoteDeed(deeds, { sites, log }),
    epochs: new EpochTable(),
    [Symbol.asyncDispose]: async () => {
      await deeds.close();
      rmSync(folder, { recursive: true });
    },
  };
}
