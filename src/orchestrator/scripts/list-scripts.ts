import type { FolderEntry } from "#contract/api/files.ts";
import { Failure } from "#contract/failure.ts";
import { type ScriptView, scriptPath } from "#contract/task.ts";
import type { Jail } from "#kit/jail/jail.ts";
import { listFolder } from "#kit/jail/list-folder.ts";
import { openFile } from "#kit/jail/read-file.ts";
import { isManualName, manualCandidates, readManual } from "./script-manual.ts";

/** As many are listed; more can be run by name. */
const maxScripts = 500;
const maxDepth = 8;

/** The scripts below a folder of a jail, by their paths; a folder that is missing has none. */
export async function listScripts(jail: Jail, folder: string): Promise<readonly ScriptView[]> {
  const scripts: ScriptView[] = [];
  await gather(jail, { folder, path: "", depth: 0 }, scripts);
  return scripts;
}

interface Level {
  /** The folder of all scripts, in the jail. */
  readonly folder: string;
  /** Where in it this level is. */
  readonly path: string;
  readonly depth: number;
}

async function gather(jail: Jail, level: Level, scripts: ScriptView[]): Promise<void> {
  const entries = await entriesOf(jail, joined(level.folder, level.path));
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  for (const entry of entries) {
    if (scripts.length >= maxScripts) return;
    const path = joined(level.path, entry.name);
    if (!scriptPath.safeParse(path).success) continue;
    if (entry.type === "folder" && level.depth < maxDepth) await gather(jail, { ...level, path, depth: level.depth + 1 }, scripts);
    if ((entry.type === "file" || entry.type === "link") && !isManualName(entry.name)) {
      const script = await describe(jail, joined(level.folder, path), byName);
      if (script !== null) scripts.push({ ...script, path });
    }
  }
}

async function entriesOf(jail: Jail, folder: string): Promise<readonly FolderEntry[]> {
  try {
    return (await listFolder(jail, folder)).entries;
  } catch (error) {
    // Missing, no folder, or swapped for a link out: there is nothing to run.
    if (error instanceof Failure) return [];
    throw error;
  }
}

async function describe(jail: Jail, path: string, siblings: ReadonlyMap<string, FolderEntry>): Promise<ScriptView | null> {
  try {
    using file = openFile(jail, path);
    const at = path.lastIndexOf("/");
    const name = path.slice(at + 1);
    const manual = manualCandidates(name).find((candidate) => siblings.has(candidate));
    const read = manual === undefined ? { manual: {}, problem: null } : await readManual(jail, joined(path.slice(0, Math.max(at, 0)), manual));
    const { size, modifiedMs, isExecutable } = file;
    return { path, size, modifiedAt: new Date(modifiedMs).toISOString(), isExecutable, manual: read.manual, manualProblem: read.problem };
  } catch (error) {
    // A link that leads out or nowhere, or something that is no file.
    if (error instanceof Failure) return null;
    throw error;
  }
}

function joined(folder: string, name: string): string {
  return folder === "" || name === "" ? `${folder}${name}` : `${folder}/${name}`;
}
