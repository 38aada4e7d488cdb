import { changePath, deletePath, type FolderEntry, writeFile } from "#contract/api/files.ts";
import { api, wordsOf } from "./api.ts";
import { fetchFile, refreshFiles } from "./data-files.ts";
import { notify } from "./notices.ts";

/** Largest file whose bytes are kept for taking a deletion back. */
const maxKeptBytes = 5_000_000;

export function isUndoable(entry: FolderEntry): boolean {
  return entry.type === "file" && entry.size <= maxKeptBytes;
}

/** Deletes a file or a folder; offers to take it back where the bytes are few enough to be kept in the page. */
export async function deleteWithUndo(site: string, path: string, entry: FolderEntry): Promise<void> {
  const params = { name: site, "*": path };
  const kept = isUndoable(entry) ? await fetchFile(site, path) : null;
  await api.call(deletePath, { params, query: entry.type === "folder" ? { recursive: true } : {} });
  void refreshFiles(site);
  const restore = async (bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
    try {
      await api.call(writeFile, { params, body: bytes, headers: { "if-none-match": "*" } });
      if (entry.executable) await api.call(changePath, { params, body: { executable: true } });
      notify({ tone: "good", text: `${entry.name} is back` });
    } catch (error) {
      notify({ tone: "bad", text: `${entry.name} could not be brought back. ${wordsOf(error)}` });
    }
    void refreshFiles(site);
  };
  notify({ tone: "plain", text: `${entry.name} was deleted`, ...(kept === null ? {} : { action: { label: "Undo", run: () => void restore(kept.bytes) } }) });
}
