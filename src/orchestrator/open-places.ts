import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { OrchestratorConfig } from "./config.ts";
import { keptId } from "./kept-id.ts";
import { SiteFolders } from "./sites/site-folders.ts";

/** Where things stand: the orchestrator's own, and what belongs to sites, which several may share. */
export interface Places {
  /** This orchestrator's id. */
  readonly id: string;
  readonly state: string;
  readonly siteState: string;
  readonly sites: string;
  readonly folders: SiteFolders;
  /** The shared storage's id, and where it is written whose each site is; null where nothing is shared. */
  readonly storage: string | null;
  readonly placements: string | null;
}

/** Makes the folders that are absent. */
export async function openPlaces(config: OrchestratorConfig): Promise<Places> {
  const state = join(resolve(config.BACKLOT_DATA), "orchestrator");
  await mkdir(state, { recursive: true, mode: 0o700 });
  const id = await keptId(state, "node.json");
  const isShared = config.BACKLOT_SHARED_FOLDER !== undefined;
  const root = resolve(config.BACKLOT_SHARED_FOLDER ?? config.BACKLOT_DATA);
  const siteState = isShared ? join(root, "sites-state") : state;
  await mkdir(siteState, { recursive: true, mode: 0o700 });
  const sites = join(root, "sites");
  // Renaming into it has to be one step, so that it lies beside the sites; each orchestrator empties its own.
  const trash = isShared ? join(siteState, "trash", id) : join(state, "trash");
  const folders = new SiteFolders({ sites, trash });
  await folders.open();
  const shared = isShared
    ? { storage: await keptId(siteState, "storage.json"), placements: join(siteState, "placements") }
    : { storage: null, placements: null };
  return { id, state, siteState, sites, folders, ...shared };
}
