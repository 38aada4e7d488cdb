import type { FolderEntry } from "#contract/api/files.ts";
import { baseOf, joinPath, parentOf } from "../paths.ts";
import { isAtOrBelow } from "./tabs.ts";

/** What is known of a folder's content. */
export type FolderState =
  | { readonly state: "loading" }
  | { readonly state: "failed"; readonly problem: string }
  | { readonly state: "there"; readonly entries: readonly FolderEntry[]; readonly isTruncated: boolean };

/** A line of the tree: an entry, or words in the place of a folder's entries. */
export type TreeRow =
  | { readonly kind: "entry"; readonly path: string; readonly entry: FolderEntry; readonly depth: number; readonly isExpanded: boolean }
  | { readonly kind: "note"; readonly path: string; readonly depth: number; readonly text: string; readonly isProblem: boolean };

export type EntryRow = TreeRow & { readonly kind: "entry" };

export interface TreeView {
  readonly folders: ReadonlyMap<string, FolderState>;
  readonly expanded: ReadonlySet<string>;
  readonly showsHidden: boolean;
}

/** The lines of the tree from top to bottom, as far as folders are open. */
export function treeRows(view: TreeView): readonly TreeRow[] {
  const rows: TreeRow[] = [];
  addFolder(rows, view, { folder: "", depth: 0 });
  return rows;
}

function addFolder(rows: TreeRow[], view: TreeView, { folder, depth }: { folder: string; depth: number }): void {
  const known = view.folders.get(folder) ?? { state: "loading" };
  const entries = known.state !== "there" ? [] : view.showsHidden ? known.entries : known.entries.filter(({ name }) => !name.startsWith("."));
  for (const entry of entries) {
    const path = joinPath(folder, entry.name);
    const isExpanded = entry.type === "folder" && view.expanded.has(path);
    rows.push({ kind: "entry", path, entry, depth, isExpanded });
    if (isExpanded) addFolder(rows, view, { folder: path, depth: depth + 1 });
  }
  const text = noteOf(known, entries.length);
  if (text !== null) rows.push({ kind: "note", path: folder, depth, text, isProblem: known.state === "failed" });
}

/** What is to be said at the end of a folder; null when its entries say it all. */
function noteOf(known: FolderState, shown: number): string | null {
  if (known.state === "loading") return "Loading…";
  if (known.state === "failed") return known.problem;
  if (known.isTruncated) return "More files than can be listed; the search finds them";
  if (shown > 0) return null;
  return known.entries.length === 0 ? "Empty" : "Only hidden files";
}

export type TreeStep = "up" | "down" | "first" | "last" | "pageUp" | "pageDown";
const pageRows = 12;

/** The entry that a key leads to from the present one. */
export function stepFrom(rows: readonly TreeRow[], path: string | null, step: TreeStep): string | null {
  const entries = rows.filter((row) => row.kind === "entry");
  const at = entries.findIndex((row) => row.path === path);
  const last = entries.length - 1;
  const target = { up: at - 1, down: at + 1, first: 0, last, pageUp: at - pageRows, pageDown: at + pageRows }[step];
  return entries[Math.max(0, Math.min(last, target))]?.path ?? null;
}

/** The next entry after the present one whose name begins so: typing letters finds files. */
export function findByLetters(rows: readonly TreeRow[], path: string | null, letters: string): string | null {
  const entries = rows.filter((row) => row.kind === "entry");
  const at = entries.findIndex((row) => row.path === path);
  // One letter goes on to the next entry; more of them may still mean the present one.
  const from = letters.length === 1 ? at + 1 : Math.max(at, 0);
  const round = [...entries.slice(from), ...entries.slice(0, from)];
  return round.find((row) => row.entry.name.toLowerCase().startsWith(letters.toLowerCase()))?.path ?? null;
}

/** Why something cannot be moved or copied into a folder; null when it can. */
export function moveProblem(from: string, folder: string): string | null {
  if (isAtOrBelow(folder, from)) return "A folder cannot go into itself.";
  return parentOf(from) === folder ? "It is there already." : null;
}

/** A name for a copy beside the original: `a.txt` → `a copy.txt`, `a copy 2.txt`. */
export function copyName(name: string, taken: ReadonlySet<string>): string {
  const dot = name.lastIndexOf(".");
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  const plain = stem.replace(/ copy(?: \d+)?$/, "");
  for (let count = 1; ; count++) {
    const candidate = `${plain} copy${count === 1 ? "" : ` ${count}`}${ending}`;
    if (!taken.has(candidate)) return candidate;
  }
}

/** The folders that have to be open for a path to be seen. */
export function foldersAbove(path: string): readonly string[] {
  const parent = parentOf(path);
  return parent === "" ? [] : [...foldersAbove(parent), parent];
}

/** What is said of an entry to somebody who cannot see its icon. */
export function entryWords({ name, type, executable, target }: FolderEntry): string {
  if (type === "link") return `${name}, link to ${target ?? "another place"}`;
  if (type === "other") return `${name}, a device, pipe or socket`;
  return type === "file" && executable ? `${name}, executable` : baseOf(name);
}
