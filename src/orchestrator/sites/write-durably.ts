import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Replaces a file whole: after a crash at any moment there is the old text or the new one. */
export async function writeDurably(file: string, text: string): Promise<void> {
  const temporary = `${file}.new`;
  try {
    await using handle = await open(temporary, "w", 0o600);
    await handle.writeFile(text);
    await handle.sync();
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause;
  }
  await rename(temporary, file);
  await syncFolder(dirname(file));
}

/** Makes what was created, renamed or removed in a folder survive a power failure. */
export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, "r");
  await handle.sync();
}
