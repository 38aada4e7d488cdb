import { chmod, copyFile, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const samples = fileURLToPath(new URL("../../../library", import.meta.url));

/** Makes the folder of the installation's scripts, with the samples in it; one that is there already stays as it is. */
export async function openLibrary(folder: string): Promise<void> {
  if ((await stat(folder).catch(() => null)) !== null) return;
  const unfinished = `${folder}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  await chmod(unfinished, 0o755);
  for (const name of await readdir(samples)) {
    await copyFile(join(samples, name), join(unfinished, name));
    await chmod(join(unfinished, name), name.endsWith(".sh") ? 0o755 : 0o644);
  }
  await rename(unfinished, folder);
}
