import { Failure } from "#contract/failure.ts";
import { codeOf } from "./descriptor.ts";
import { type OpenFile, openRegular } from "./read-file.ts";

/**
 * Told of a file's content right before it is replaced or deleted, under the lock of its entry: `path` is where it really is, every link
 * resolved. What it throws keeps the change from taking place.
 */
export type Keep = (path: readonly string[], file: OpenFile) => Promise<void>;

/** Shows an entry that is about to go to whoever keeps such things, if it is a regular file that can be read. */
export async function keepPresent(entry: { readonly folder: number; readonly name: string; readonly path: readonly string[] }, keep: Keep): Promise<void> {
  using file = openQuietly(entry);
  if (file !== undefined) await keep(entry.path, file);
}

function openQuietly(entry: { readonly folder: number; readonly name: string; readonly path: readonly string[] }): OpenFile | undefined {
  try {
    return openRegular(entry.folder, entry.name, entry.path.join("/"));
  } catch (error) {
    // Gone, swapped for something else, or closed to us: there is nothing that could be kept.
    if (error instanceof Failure || ["ENOENT", "ELOOP", "EACCES", "ENXIO", "ENODEV"].includes(codeOf(error))) return undefined;
    throw error;
  }
}
