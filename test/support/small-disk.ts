import { execFileSync } from "node:child_process";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A disk that is soon full: a tmpfs of a few kilobytes, for tests that run as root. */
export interface SmallDisk extends AsyncDisposable {
  readonly folder: string;
}

/** Mounts it at a new folder; whatever writes there has to be stopped before it is disposed of. */
export async function mountSmallDisk(kilobytes: number): Promise<SmallDisk> {
  const folder = await mkdtemp(join(tmpdir(), "backlot-small-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kilobytes}k,mode=755`, "tmpfs", folder]);
  return {
    folder,
    async [Symbol.asyncDispose]() {
      execFileSync("umount", [folder]);
      await rmdir(folder);
    },
  };
}
