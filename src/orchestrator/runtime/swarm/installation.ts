import { createHash, randomInt } from "node:crypto";
import { mkdir, readdir, realpath } from "node:fs/promises";
import { keptId } from "#orchestrator/kept-id.ts";

/**
 * Names a Backlot among others of a swarm: the same for every orchestrator that shares the folder of all sites, unlike that of any other Backlot, which
 * may well have a folder of the same name on its machines. `folder`: where what is kept of sites stands.
 */
export async function installationIn(folder: string, sitesFolder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await mkdir(sitesFolder, { recursive: true, mode: 0o711 });
  // Services that are there already carry a name that was made of the folder's.
  return keptId(folder, "installation.json", async () => ((await readdir(sitesFolder)).length > 0 ? nameByFolder(sitesFolder) : newName()));
}

function newName(): string {
  return shortened(randomInt(2 ** 48 - 1));
}

async function nameByFolder(sitesFolder: string): Promise<string> {
  const digest = createHash("sha256")
    .update(await realpath(sitesFolder))
    .digest();
  return shortened(digest.readUIntBE(0, 6));
}

/** Short, since it is part of names of tables, groups and interfaces. */
function shortened(number: number): string {
  return number.toString(36).slice(0, 6).padStart(6, "0");
}
