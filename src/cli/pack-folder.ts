import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { type Pack, pack } from "tar-stream";
import { CliError, unreadable } from "./exit-code.ts";
import type { FolderPlan, PlannedEntry } from "./folder-plan.ts";

/** How an archive is made of a plan. */
export interface PackOptions {
  /** Put before every path, with its slash: `public/`. */
  readonly prefix: string;
  /** Told after each chunk of a file: bytes of files so far. */
  readonly onProgress?: (bytes: number) => void;
}

/** Streams a plan as a gzip-compressed tar archive; files are read as the other side takes them, so memory stays small whatever their size. */
export async function* packFolder(plan: FolderPlan, options: PackOptions): AsyncGenerator<Uint8Array> {
  const archive = pack();
  const compressed = createGzip({ level: 6 });
  const filling = fill(archive, plan, options).catch((error: Error) => void archive.destroy(error));
  // The error of either end reaches the reader through `compressed`, which pipeline destroys with it.
  const piping = pipeline(archive, compressed);
  piping.catch(() => undefined);
  try {
    for await (const chunk of compressed) yield chunk as Uint8Array;
    await piping;
  } finally {
    archive.destroy();
    compressed.destroy();
    await filling;
  }
}

async function fill(archive: Pack, plan: FolderPlan, options: PackOptions): Promise<void> {
  const sent = { bytes: 0 };
  for (const planned of plan.entries) {
    try {
      await add(archive, planned, { plan, options, sent });
    } catch (error) {
      throw unreadable(planned.path, error);
    }
  }
  archive.finalize();
}

interface Filling {
  readonly plan: FolderPlan;
  readonly options: PackOptions;
  readonly sent: { bytes: number };
}

async function add(archive: Pack, planned: PlannedEntry, filling: Filling): Promise<void> {
  const name = `${filling.options.prefix}${planned.path}`;
  const mtime = planned.modifiedAt;
  if (planned.kind === "file") return addFile(archive, planned, filling);
  await new Promise<void>((resolve, reject) => {
    const header =
      planned.kind === "folder"
        ? ({ name: `${name}/`, type: "directory", mode: 0o755, mtime } as const)
        : ({ name, type: "symlink", linkname: planned.target, mode: 0o777, mtime } as const);
    archive.entry(header, (error) => (error ? reject(error) : resolve()));
  });
}

async function addFile(archive: Pack, planned: PlannedEntry & { readonly kind: "file" }, filling: Filling): Promise<void> {
  // A pipe put in the file's place since the walk must neither block nor be followed.
  const file = await open(join(filling.plan.folder, planned.path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if ((await file.stat()).size !== planned.size) throw changed(planned.path);
    const header = {
      name: `${filling.options.prefix}${planned.path}`,
      size: planned.size,
      mode: planned.isExecutable ? 0o755 : 0o644,
      mtime: planned.modifiedAt,
    };
    let entryError: Error | undefined;
    const closed = Promise.withResolvers<void>();
    const entry = archive.entry(header, (error) => {
      entryError = error ?? undefined;
      closed.resolve();
    });
    let position = 0;
    const buffer = Buffer.allocUnsafe(64 * 1024);
    while (position < planned.size) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, planned.size - position), position);
      if (bytesRead === 0) throw changed(planned.path);
      position += bytesRead;
      // A copy: the archive keeps what it was given until the reader takes it.
      if (!entry.write(Buffer.from(buffer.subarray(0, bytesRead)))) await Promise.race([drained(entry), closed.promise]);
      if (entryError !== undefined) throw entryError;
      filling.sent.bytes += bytesRead;
      filling.options.onProgress?.(filling.sent.bytes);
    }
    entry.end(undefined);
    await closed.promise;
    if (entryError !== undefined) throw entryError;
  } finally {
    await file.close();
  }
}

function drained(entry: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => entry.once("drain", () => resolve()));
}

function changed(path: string): CliError {
  return new CliError("file_changed", `${path} changed while it was being read. Nothing was deployed; run the command again.`, { details: { path } });
}
