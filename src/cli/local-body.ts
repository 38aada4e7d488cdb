import { openAsBlob } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import type { RawPayload } from "#contract/client.ts";
import { CliError, exitCodes, unreadable } from "./exit-code.ts";

/** A local file on its way to the server. */
export interface LocalBody extends AsyncDisposable {
  readonly payload: RawPayload;
  /** What to tell when sending failed: fetch blames the connection for what went wrong while reading the file. */
  problem(error: unknown): unknown;
}

/**
 * Opens a local file for sending. A file with a size is measured, so that the server can refuse it at once when it is too large; what has none
 * (a pipe, a device, whatever /proc makes up) is read to its end.
 */
export async function openLocalBody(path: string): Promise<LocalBody> {
  try {
    const found = await stat(path);
    if (found.isFile() && found.size > 0) return measured(path, await openAsBlob(path));
    return streamed(path, await open(path));
  } catch (error) {
    throw unreadable(path, error, exitCodes.usage);
  }
}

function measured(path: string, blob: Blob): LocalBody {
  return {
    payload: blob,
    // A blob refuses to be read once the file has another size or another time than when it was opened.
    problem: (error) => (causesOf(error).some((cause) => cause.name === "NotReadableError") ? changed(path, error) : error),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function streamed(path: string, file: FileHandle): LocalBody {
  const stream = file.createReadStream();
  let readError: Error | undefined;
  stream.once("error", (error) => {
    readError = error;
  });
  return {
    payload: stream,
    problem: (error) => (readError === undefined ? error : unreadable(path, readError)),
    [Symbol.asyncDispose]: async () => void stream.destroy(),
  };
}

function changed(path: string, cause: unknown): CliError {
  return new CliError("file_changed", `${path} changed while it was being read. Run the command again.`, { details: { path }, cause });
}

function causesOf(error: unknown): readonly Error[] {
  return error instanceof Error ? [error, ...causesOf(error.cause)] : [];
}
