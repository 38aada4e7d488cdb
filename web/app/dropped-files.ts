import { joinPath } from "./paths.ts";
import type { ChosenFile } from "./uploads.ts";

/** Most files taken from one drop: beyond it an archive by `backlot deploy` is the better way. */
export const maxDropped = 2000;

/** Files chosen by a button, below a folder of the site. */
export function chosenFiles(list: FileList, folder: string): readonly ChosenFile[] {
  return [...list].map((file) => ({ file, path: joinPath(folder, file.webkitRelativePath === "" ? file.name : file.webkitRelativePath) }));
}

/** Files that were dropped, folders with everything in them. */
export async function droppedFiles(transfer: DataTransfer, folder: string): Promise<readonly ChosenFile[]> {
  // The list empties itself as soon as the event is over, so entries are taken before the first await.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const found: ChosenFile[] = [];
  for (const entry of entries) await collect(entry, folder, found);
  return found;
}

async function collect(entry: FileSystemEntry, folder: string, found: ChosenFile[]): Promise<void> {
  if (found.length >= maxDropped) return;
  const path = joinPath(folder, entry.name);
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    found.push({ path, file });
  } else if (isDirectory(entry)) {
    const reader = entry.createReader();
    while (true) {
      // The reader gives at most 100 entries at a time, and none at the end.
      const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (batch.length === 0) return;
      for (const child of batch) await collect(child, path, found);
    }
  }
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const isDirectory = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;
