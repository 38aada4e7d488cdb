import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "#contract/failure.ts";
import { codeOf } from "#kit/jail/descriptor.ts";

/** Writes what comes into a new file; on the disk when this resolves. `take` hears of every piece before it is written. */
export async function receive(
  file: string,
  source: AsyncIterable<Uint8Array>,
  take: (size: number, chunk: number) => void,
): Promise<{ readonly size: number; readonly sha256: string }> {
  await using handle: FileHandle = await open(file, "wx", 0o600);
  const sum = createHash("sha256");
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    take(size, chunk.length);
    sum.update(chunk);
    await handle.writeFile(chunk);
  }
  await handle.sync();
  return { size, sha256: sum.digest("hex") };
}

/** @throws {Failure} `file_not_found` */
export async function requireUpload(file: string, uploadId: string): Promise<void> {
  if ((await statIfThere(file)) === undefined) throw new Failure("file_not_found", { path: `the upload ${uploadId}` });
}

// Another upload of the site may rename or remove its file at any moment: it is not under the lock while it comes.
function statIfThere(file: string): Promise<Stats | undefined> {
  return stat(file).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
}

/** Newest first; a folder that is not there has nothing. */
export async function listByAge(folder: string): Promise<readonly { readonly name: string; readonly modifiedMs: number }[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  });
  const files = await Promise.all(names.map(async (name) => ({ name, modifiedMs: (await statIfThere(join(folder, name)))?.mtimeMs })));
  return files.flatMap(({ name, modifiedMs }) => (modifiedMs === undefined ? [] : [{ name, modifiedMs }])).toSorted((a, b) => b.modifiedMs - a.modifiedMs);
}
