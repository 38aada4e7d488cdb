import { changePath, deletePath, type FolderEntry } from "#contract/api/files.ts";
import { api, wordsOf } from "./api.ts";
import { refreshFiles } from "./data-files.ts";
import { fetchDeleted, refreshHistory, restore } from "./data-history.ts";
import { deletedTogether, foldersDeletedTogether } from "./editor/deleted.ts";
import { countText } from "./formats.ts";
import { notify } from "./notices.ts";
import { parentOf } from "./paths.ts";

/** Deletes a file or a folder, and offers to take it back from the site's history. */
export async function deleteWithUndo(site: string, path: string, entry: FolderEntry): Promise<void> {
  const beganAt = Date.now();
  const response = await api.fetch(deletePath, { params: { name: site, "*": path }, query: entry.type === "folder" ? { recursive: true } : {} });
  // Both moments by the server's clock, whose answer tells the time in whole seconds.
  const endedAt = Date.parse(response.headers.get("date") ?? new Date().toISOString());
  const since = endedAt - (Date.now() - beganAt) - 1000;
  void refreshFiles(site);
  void refreshHistory(site);
  notify({ tone: "plain", text: `${entry.name} was deleted`, action: { label: "Undo", run: () => void takeBack({ site, path, entry, since }) } });
}

async function takeBack({ site, path, entry, since }: { site: string; path: string; entry: FolderEntry; since: number }): Promise<void> {
  try {
    const folder = entry.type === "folder" ? path : parentOf(path);
    const { files, folders } = await restoreAll(site, { folder, path, since });
    if (files + folders === 0) return notify({ tone: "bad", text: `${entry.name} could not be brought back: the site's history has not kept it.` });
    notify({ tone: "good", text: entry.type === "folder" ? `${entry.name} is back, with ${countText(files, "file")}` : `${entry.name} is back` });
  } catch (error) {
    notify({ tone: "bad", text: `${entry.name} could not be brought back. ${wordsOf(error)}` });
  }
}

/** How much of what went came back. */
async function restoreAll(site: string, { folder, path, since }: { folder: string; path: string; since: number }): Promise<{ files: number; folders: number }> {
  let files = 0;
  while (true) {
    const { versions, folders, truncated } = await fetchDeleted(site, folder);
    const gone = deletedTogether(versions, path, since);
    for (const version of gone) await restore(site, version, { path: version.path, base: null });
    files += gone.length;
    // What is back is not listed any more: the next ones come then.
    if (truncated && gone.length > 0) continue;
    const empty = foldersDeletedTogether(folders, path, since);
    for (const each of empty) await api.call(changePath, { params: { name: site, "*": each }, body: { mkdir: true } });
    if (empty.length > 0) void refreshFiles(site);
    return { files, folders: empty.length };
  }
}
