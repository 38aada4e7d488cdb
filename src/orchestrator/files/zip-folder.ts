import { PassThrough, type Readable } from "node:stream";
import { finished } from "node:stream/promises";
import yazl from "yazl";
import { Failure } from "#contract/failure.ts";
import type { Jail } from "#kit/jail/jail.ts";
import { openFolder } from "#kit/jail/list-folder.ts";
import type { OpenFile } from "#kit/jail/read-file.ts";
import { isReservedName } from "#kit/jail/temporary-name.ts";
import { type TreeEntry, walkTree } from "#kit/jail/walk-tree.ts";

const linkMode = 0o120777;
const maxEntries = 200_000;

/**
 * A folder as a zip archive that is made while it is read. Links are stored as links; pipes, sockets and names that are no
 * text are left out, and so is what goes away while the archive is made. A file or folder that cannot be read breaks the archive off, so that nobody
 * takes a part for the whole.
 */
export function zipFolder(jail: Jail, path: string): Readable {
  // Opened once before anything is sent: what is wrong with the path is still an answer.
  openFolder(jail, path)[Symbol.dispose]();
  const zip = new yazl.ZipFile();
  const out = new PassThrough();
  zip.outputStream.pipe(out);
  zip.on("error", (error: Error) => out.destroy(error));
  let isShut = false;
  const whenShut = (): void => {
    isShut = true;
  };
  const refuseShut = (): void => {
    if (isShut) throw new Failure("file_forbidden", { path: path || "A folder of the site" });
  };
  fill(zip, walkTree(jail, path, { whenShut }), out)
    .then(refuseShut)
    .then(
      () => zip.end(),
      (error: unknown) => out.destroy(error instanceof Error ? error : new Error("the archive could not be made", { cause: error })),
    );
  return out;
}

async function fill(zip: yazl.ZipFile, entries: AsyncIterable<TreeEntry>, out: Readable): Promise<void> {
  let count = 0;
  for await (const entry of entries) {
    if (out.destroyed) return;
    if (!entry.hasText || isReservedName(entry.path) || /[\\\0]/.test(entry.path)) continue;
    count += 1;
    if (count > maxEntries) throw new Failure("archive_too_large", { reason: `more than ${maxEntries} files` });
    await add(zip, entry, out);
  }
}

/** A file as it is open; undefined when it went away since the walk met it. */
function openPresent(entry: TreeEntry): OpenFile | undefined {
  try {
    return entry.open();
  } catch (error) {
    if (error instanceof Failure && error.code === "file_not_found") return undefined;
    throw error;
  }
}

async function add(zip: yazl.ZipFile, entry: TreeEntry, out: Readable): Promise<void> {
  const { stat, path } = entry;
  const mtime = stat.mtime;
  if (stat.isDirectory()) zip.addEmptyDirectory(path, { mtime, mode: 0o40755 });
  else if (stat.isSymbolicLink()) zip.addBuffer(Buffer.from(entry.describe().target ?? ""), path, { mtime, mode: linkMode, compress: false });
  else if (stat.isFile()) {
    using file = openPresent(entry);
    if (file === undefined) return;
    const { size } = file;
    const stream = file.stream(0, size);
    // Whoever reads the archive may go away: then this file ends too.
    const stop = (): void => void stream.destroy();
    out.once("close", stop);
    try {
      zip.addReadStreamLazy(path, { mtime, mode: stat.mode & 0o100777, size }, (give) => give(null, stream));
      await finished(stream);
    } catch (cause) {
      throw new Failure("file_changed", { path }, { cause });
    } finally {
      out.off("close", stop);
      stream.destroy();
    }
  }
}
