import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Clock } from "#kit/clock.ts";
import type { Log } from "#kit/log.ts";
import type { OrchestratorConfig } from "#orchestrator/config.ts";
import type { SiteShelf } from "#orchestrator/files/site-shelf.ts";
import type { SiteRuntime } from "#orchestrator/runtime/site-runtime.ts";
import { openOutputFolder } from "./output-file.ts";
import { RunBook } from "./run-book.ts";
import { RunFiles } from "./run-files.ts";
import type { RunHost } from "./run-plan.ts";
import { RunStore } from "./run-store.ts";

/** Folders of runs, by the settings. */
export interface RunPlaces {
  readonly homeFolder: string;
  readonly libraryFolder: string;
  readonly stdout: string;
  readonly stderr: string;
}

export function runPlacesOf(config: OrchestratorConfig): RunPlaces {
  const data = resolve(config.BACKLOT_DATA);
  const shared = resolve(config.BACKLOT_SHARED_FOLDER ?? data);
  const logs = join(data, "logs/tasks");
  return {
    homeFolder: resolve(config.BACKLOT_HOME_FOLDER ?? join(shared, "homedir")),
    libraryFolder: resolve(config.BACKLOT_SCRIPTS ?? join(shared, "scripts")),
    stdout: resolve(config.BACKLOT_TASK_STDOUT ?? logs),
    stderr: resolve(config.BACKLOT_TASK_STDERR ?? logs),
  };
}

/** Opens the book of runs, with what an earlier orchestrator left unfinished declared lost. */
export async function openRuns(
  deps: {
    readonly config: OrchestratorConfig;
    readonly sites: SiteShelf;
    readonly runtime: SiteRuntime;
    readonly clock: Clock;
    readonly log: Log;
    readonly onSiteChanged: (siteId: number) => void;
    readonly checkRoom: RunHost["checkRoom"];
  },
  stateFolder: string,
): Promise<{ readonly runs: RunBook; readonly host: RunHost }> {
  const { config, sites, log, checkRoom } = deps;
  const places = runPlacesOf(config);
  const parts = join(stateFolder, "parts");
  await mkdir(parts, { recursive: true, mode: 0o750 });
  // Runs that belong to no site see the hour that this machine's people do.
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const { homeFolder, libraryFolder } = places;
  const homeEgress = config.BACKLOT_HOME_EGRESS;
  const host = { sites, homeFolder, homeEgress, libraryFolder, allowsCommands: config.BACKLOT_TASK_COMMANDS, timeZone, checkRoom };
  const store = await RunStore.open({ folder: stateFolder, log });
  const files = new RunFiles({ stdout: openOutputFolder(places.stdout, homeFolder), stderr: openOutputFolder(places.stderr, homeFolder), parts });
  return { runs: await RunBook.open({ ...deps, host, store, files, atOnce: config.BACKLOT_RUNS_AT_ONCE }), host };
}
