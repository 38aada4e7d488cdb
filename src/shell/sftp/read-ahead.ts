import { Failure } from "#contract/failure.ts";
import type { FilePath, RemoteFiles } from "#kit/door/remote-files.ts";

/** As much is fetched for a read that does not go on where the last one ended. */
const jumpBytes = 256 * 1024;

/** Reads a file: a read that goes on where the last one ended comes out of one stream, which the file's server keeps filled. */
export class ReadAhead {
  readonly #files: RemoteFiles;
  readonly #file: FilePath;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #abort = new AbortController();
  #buffered: Buffer = Buffer.alloc(0);
  /** Where the buffered bytes begin. */
  #position = 0;
  /** Where the stream ends without being the file's end. */
  #streamEnd = Number.POSITIVE_INFINITY;
  #isFirst = true;

  constructor(files: RemoteFiles, file: FilePath) {
    this.#files = files;
    this.#file = file;
  }

  /** The bytes from an offset on: as many as were asked for, or up to the file's end. Empty at the end. */
  async read(offset: number, length: number): Promise<Buffer> {
    const isNext = this.#reader !== undefined && offset === this.#position;
    if (!isNext) await this.#open(offset, length);
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#buffered.length === 0 && !(await this.#fill())) break;
      const part = this.#buffered.subarray(0, missing);
      this.#buffered = this.#buffered.subarray(part.length);
      this.#position += part.length;
      missing -= part.length;
      parts.push(part);
    }
    return parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts);
  }

  /** Forgets what was read ahead: somebody wrote. */
  reset(): void {
    this.#abort.abort();
    this.#reader = undefined;
    this.#buffered = Buffer.alloc(0);
  }

  async #open(offset: number, length: number): Promise<void> {
    // Whoever begins at the start or goes on is expected to read to the end; whoever jumps is not.
    const isStream = (this.#isFirst && offset === 0) || offset === this.#position;
    this.#isFirst = false;
    this.reset();
    this.#abort = new AbortController();
    this.#position = offset;
    const count = Math.max(length, jumpBytes);
    this.#streamEnd = isStream ? Number.POSITIVE_INFINITY : offset + count;
    try {
      const body = await this.#files.read(this.#file, isStream ? offset : { offset, length: count }, this.#abort.signal);
      this.#reader = body.getReader();
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== "range_not_satisfiable") throw error;
    }
  }

  // False at the end of the file.
  async #fill(): Promise<boolean> {
    const piece = await this.#reader?.read();
    if (piece?.done === false) {
      this.#buffered = Buffer.from(piece.value.buffer, piece.value.byteOffset, piece.value.byteLength);
      return this.#buffered.length > 0 || this.#fill();
    }
    // A piece that was fetched after a jump has ended; the file may go on, and from here on it is read as a stream.
    if (this.#reader === undefined || this.#position < this.#streamEnd) return false;
    await this.#open(this.#position, jumpBytes);
    return this.#reader === undefined ? false : this.#fill();
  }
}
