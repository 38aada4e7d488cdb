import type { FolderEntry } from "#contract/api/files.ts";
import { Failure } from "#contract/failure.ts";
import { parseSitePath } from "#contract/site-path.ts";

/** A path inside a site is written without a slash at either end; "" is the site's own folder. */
export function joinPath(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

export function parentOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
}

export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Every folder on the way to a path, from the site's own folder down to the path itself. */
export function crumbsOf(path: string): readonly { readonly name: string; readonly path: string }[] {
  if (path === "") return [];
  return path.split("/").map((name, index, all) => ({ name, path: all.slice(0, index + 1).join("/") }));
}

/** What is wrong with the name of a new file or folder; null when nothing is. Slashes make folders on the way. */
export function pathProblem(name: string, folder = ""): string | null {
  if (name === "") return "Give it a name.";
  try {
    parseSitePath(joinPath(folder, name));
    return null;
  } catch (error) {
    if (error instanceof Failure) return error.message;
    throw error;
  }
}

/** Folders first, then by name as people sort: "file 2" before "file 10". */
export function sortEntries(entries: readonly FolderEntry[]): readonly FolderEntry[] {
  const collator = new Intl.Collator("en", { numeric: true });
  const rank = (entry: FolderEntry): number => (entry.type === "folder" ? 0 : 1);
  return [...entries].sort((a, b) => rank(a) - rank(b) || collator.compare(a.name, b.name));
}

/** The address that a visitor sees a file at; null for what is not public. */
export function publicAddress(siteUrl: string, path: string): string | null {
  if (!path.startsWith("public/") || path.split("/").some((segment) => segment.startsWith("."))) return null;
  const rest = path.slice("public/".length).split("/").map(encodeURIComponent).join("/");
  return `${siteUrl.replace(/\/$/, "")}/${rest.replace(/(^|\/)index\.html$/, "$1")}`;
}
