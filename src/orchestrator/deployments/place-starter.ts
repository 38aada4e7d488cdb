import { Failure } from "#contract/failure.ts";
import { makeFolder } from "#kit/jail/change-path.ts";
import type { Jail } from "#kit/jail/jail.ts";
import { walkTree } from "#kit/jail/walk-tree.ts";
import { writeWhole } from "#kit/jail/write-file.ts";

const writesAtOnce = 8;
// What the starter says of itself to the platform; not a file of the site.
const description = "starter.json";

/**
 * Copies a starter's files to where nothing is in the way, and leaves everything that is there alone: asked for again it
 * adds what is missing. `run.sh` arrives executable. Each file is on the disk when this resolves.
 */
export async function placeStarter(jail: Jail, starterFolder: string): Promise<void> {
  const pending = new Set<Promise<void>>();
  // Starters are the platform's own folders; walked like any other all the same.
  for await (const entry of walkTree({ root: starterFolder, owner: null }, "")) {
    if (entry.stat.isDirectory()) await unlessInTheWay(makeFolder(jail, entry.path));
    if (!entry.stat.isFile() || entry.path === description) continue;
    using file = entry.open();
    const content = await file.read(0, file.size);
    const executable = file.isExecutable || entry.path.split("/").at(-1) === "run.sh";
    const write = unlessInTheWay(writeWhole(jail, entry.path, { source: [content], absent: true, executable })).finally(() => pending.delete(write));
    pending.add(write);
    if (pending.size >= writesAtOnce) await Promise.race(pending);
  }
  await Promise.all(pending);
}

async function unlessInTheWay(act: Promise<unknown>): Promise<void> {
  try {
    await act;
  } catch (error) {
    const isInTheWay =
      error instanceof Failure && ["file_changed", "file_exists", "not_a_file", "not_a_folder", "file_special", "path_outside_site"].includes(error.code);
    if (!isInTheWay) throw error;
  }
}
