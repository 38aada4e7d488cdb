import { randomUUID } from "node:crypto";
import { createWriteStream, type Stats, type WriteStream } from "node:fs";
import { lstat, open, realpath, rename, rm, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CliError, exitCodes } from "./exit-code.ts";

/** Where a download goes. */
export interface Destination {
  /** As the person wrote it. */
  readonly asked: string;
  /** With every link followed. */
  readonly path: string;
  /** Pipes and devices are written to; a file is replaced when its new content is whole. */
  readonly isWrittenTo: boolean;
  /** The permissions of the file that is replaced; undefined when there is none. */
  readonly mode: number | undefined;
}

/** Looks at what stands where a download is to go. To be asked before the server is: what is refused here costs no transfer. */
export async function destinationOf(asked: string): Promise<Destination> {
  try {
    const found = await statOrNothing(asked);
    if (found === undefined) return { asked, path: asked, isWrittenTo: false, mode: undefined };
    if (!found.isFile()) return { asked, path: asked, isWrittenTo: true, mode: undefined };
    return { asked, path: await realpath(asked), isWrittenTo: false, mode: found.mode & 0o777 };
  } catch (error) {
    throw told(error, asked);
  }
}

/** Writes a download, and answers its bytes. One that breaks off leaves nothing behind that looks like the file. */
export async function saveDownload(chunks: ReadableStream<Uint8Array>, to: Destination): Promise<number> {
  try {
    return to.isWrittenTo ? await copy(chunks, createWriteStream(to.path)) : await replace(chunks, to);
  } catch (error) {
    throw told(error, to.asked);
  }
}

async function replace(chunks: ReadableStream<Uint8Array>, { path, mode }: Destination): Promise<number> {
  const draft = `${path}.part-${randomUUID().slice(0, 8)}`;
  const file = await open(draft, "wx", mode ?? 0o666);
  try {
    // The umask takes bits away at opening that the old file has.
    if (mode !== undefined) await file.chmod(mode);
    const bytes = await copy(chunks, file.createWriteStream());
    await rename(draft, path);
    return bytes;
  } catch (error) {
    await file.close();
    await rm(draft, { force: true });
    throw error;
  }
}

async function copy(chunks: ReadableStream<Uint8Array>, sink: WriteStream): Promise<number> {
  // The web's and Node's own type of the same stream differ in name only.
  await pipeline(Readable.fromWeb(chunks as Parameters<typeof Readable.fromWeb>[0]), sink);
  return sink.bytesWritten;
}

async function statOrNothing(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
    const link = await lstat(path).catch(() => undefined);
    if (link === undefined) return undefined;
    throw new CliError("link_broken", `${path} links to a file that is not there. Name the file itself, or delete the link.`, { exitCode: exitCodes.usage });
  }
}

function told(error: unknown, asked: string): unknown {
  // What a cut connection throws is no call to the system; it is told as it is.
  if (error instanceof Error && "syscall" in error) return new CliError("file_unwritable", `${asked} cannot be written: ${error.message}.`, { cause: error });
  return error;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
