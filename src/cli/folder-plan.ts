import { lstat, readdir, readFile, readlink, stat } from "node:fs/promises";
import { dirname, join, normalize, posix } from "node:path";
import { CliError, unreadable, usageError } from "./exit-code.ts";
import { type IgnoreRules, parseIgnoreRules } from "./ignore-rules.ts";

/** One thing that goes into the archive; paths are relative to the deployed folder. */
export type PlannedEntry =
  | { readonly kind: "file"; readonly path: string; readonly size: number; readonly isExecutable: boolean; readonly modifiedAt: Date }
  | { readonly kind: "folder"; readonly path: string; readonly modifiedAt: Date }
  | { readonly kind: "link"; readonly path: string; readonly target: string; readonly modifiedAt: Date };

/** Everything that a deployment will send, known before the first byte goes out. */
export interface FolderPlan {
  readonly folder: string;
  readonly entries: readonly PlannedEntry[];
  readonly files: number;
  readonly bytes: number;
  /** Sockets, pipes and devices that were left out. */
  readonly special: readonly string[];
}

/** Walks a folder and lists what a deployment sends, in a stable order. Links that lead out of the folder are refused by name. */
export async function planFolder(folder: string, included: readonly string[] = []): Promise<FolderPlan> {
  // The folder itself may be reached through a link; only what is inside is judged.
  const top = await stat(folder).catch((cause: unknown) => {
    throw new CliError("folder_missing", `There is no folder ${folder} here.`, { exitCode: 2, cause });
  });
  if (!top.isDirectory()) throw usageError(`${folder} is not a folder.`);
  const rules = parseIgnoreRules(await readIgnoreFile(folder), included);
  const plan: Walk = { folder, rules, entries: [], special: [], bytes: 0, files: 0 };
  try {
    await walk(plan, "");
  } catch (error) {
    throw unreadable(folder, error);
  }
  return plan;
}

interface Walk {
  readonly folder: string;
  readonly rules: IgnoreRules;
  readonly entries: PlannedEntry[];
  readonly special: string[];
  files: number;
  bytes: number;
}

async function walk(plan: Walk, below: string): Promise<void> {
  const names = (await readdir(join(plan.folder, below))).sort();
  for (const name of names) {
    const path = below === "" ? name : `${below}/${name}`;
    const found = await lstat(join(plan.folder, path));
    if (plan.rules(path, found.isDirectory())) continue;
    const modifiedAt = found.mtime;
    if (found.isDirectory()) {
      plan.entries.push({ kind: "folder", path, modifiedAt });
      await walk(plan, path);
    } else if (found.isSymbolicLink()) {
      plan.entries.push({ kind: "link", path, target: await innerTarget(plan.folder, path), modifiedAt });
    } else if (found.isFile()) {
      plan.entries.push({ kind: "file", path, size: found.size, isExecutable: (found.mode & 0o111) !== 0, modifiedAt });
      plan.files += 1;
      plan.bytes += found.size;
    } else plan.special.push(path);
  }
}

async function innerTarget(folder: string, path: string): Promise<string> {
  const target = await readlink(join(folder, path));
  const reached = posix.join(dirname(path), target);
  if (target.startsWith("/") || reached === ".." || reached.startsWith("../")) {
    throw new CliError("link_leaves_folder", `${path} links to ${target}, which is outside the folder. Replace it by a copy, or name it in .backlotignore.`, {
      details: { path, target },
    });
  }
  return normalize(target);
}

async function readIgnoreFile(folder: string): Promise<string> {
  try {
    return await readFile(join(folder, ".backlotignore"), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw unreadable(join(folder, ".backlotignore"), error);
  }
}
