import type { FolderEntry } from "#contract/api/files.ts";
import { Failure } from "#contract/failure.ts";
import { type ScriptView, scriptPath } from "#contract/task.ts";
import type { Jail } from "#kit/jail/jail.ts";
import { listFolder } from "#kit/jail/list-folder.ts";
import { openFile, statPath } from "#kit/jail/read-file.ts";
import { isManualName, manualCandidates, readManual } from "./script-manual.ts";

/** As many are listed; more can be run by name. */
const maxScripts = 500;
/** As many entries of folders are looked at: a library full of other things must not keep the disk busy. */
const maxEntries = 2_000;
const maxDepth = 8;

/** The scripts below a folder of a jail, by their paths; a folder that is missing has none. */
export async function listScripts(jail: Jail, folder: string): Promise<readonly ScriptView[]> {
  const found: Found = { scripts: [], entriesLeft: maxEntries };
  await gather(jail, { folder, path: "", depth: 0 }, found);
  return found.scripts;
}

/** One script by its path below the folder, listed or not; null where there is none. */
export async function describeScript(jail: Jail, folder: string, path: string): Promise<ScriptView | null> {
  const script = isManualName(path) || !scriptPath.safeParse(path).success ? null : await describe(jail, joined(folder, path), null);
  return script === null ? null : { ...script, path };
}

interface Found {
  readonly scripts: ScriptView[];
  entriesLeft: number;
}

interface Level {
  /** The folder of all scripts, in the jail. */
  readonly folder: string;
  /** Where in it this level is. */
  readonly path: string;
  readonly depth: number;
}

async function gather(jail: Jail, level: Level, found: Found): Promise<void> {
  const entries = await entriesOf(jail, joined(level.folder, level.path));
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  for (const entry of entries) {
    if (found.scripts.length >= maxScripts || found.entriesLeft <= 0) return;
    found.entriesLeft -= 1;
    const path = joined(level.path, entry.name);
    if (!scriptPath.safeParse(path).success) continue;
    if (entry.type === "folder" && level.depth < maxDepth) await gather(jail, { ...level, path, depth: level.depth + 1 }, found);
    if ((entry.type === "file" || entry.type === "link") && !isManualName(entry.name)) {
      const script = await describe(jail, joined(level.folder, path), byName);
      if (script !== null) found.scripts.push({ ...script, path });
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

async function describe(jail: Jail, path: string, siblings: ReadonlyMap<string, unknown> | null): Promise<ScriptView | null> {
  try {
    using file = openFile(jail, path);
    const at = path.lastIndexOf("/");
    const name = path.slice(at + 1);
    const folder = path.slice(0, Math.max(at, 0));
    const isThere = (candidate: string): boolean => siblings?.has(candidate) ?? statPath(jail, joined(folder, candidate)) !== undefined;
    const manual = manualCandidates(name).find(isThere);
    const read = manual === undefined ? { manual: {}, problem: null } : await readManual(jail, joined(folder, manual));
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
