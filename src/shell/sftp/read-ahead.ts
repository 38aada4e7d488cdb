import { Failure } from "#contract/failure.ts";
import type { FilePath, RemoteFiles } from "#kit/door/remote-files.ts";
import type { AnswerBody } from "#kit/http/byte-client.ts";

/** As much is fetched for a read that does not go on where the last one ended. */
const jumpBytes = 256 * 1024;

/** Reads a file: a read that goes on where the last one ended comes out of one stream, which the file's server keeps filled. */
export class ReadAhead {
  readonly #files: RemoteFiles;
  readonly #file: FilePath;
  #body: AnswerBody | undefined;
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

  /** The bytes from an offset on, good until more are read: as many as were asked for, or up to the file's end. Empty at the end. */
  async read(offset: number, length: number): Promise<Buffer> {
    const isNext = this.#body !== undefined && offset === this.#position;
    if (!isNext) await this.#open(offset, length);
    if (this.#buffered.length === 0 && !(await this.#fill())) return Buffer.alloc(0);
    if (this.#buffered.length >= length) return this.#takeFront(length);
    // What was fetched is read over by what is fetched next.
    const joined = Buffer.allocUnsafe(length);
    let count = 0;
    do {
      const part = this.#takeFront(length - count);
      part.copy(joined, count);
      count += part.length;
    } while (count < length && (this.#buffered.length > 0 || (await this.#fill())));
    return joined.subarray(0, count);
  }

  /** Forgets what was read ahead: somebody wrote. */
  reset(): void {
    this.#abort.abort();
    this.#body = undefined;
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
      this.#body = await this.#files.read(this.#file, isStream ? offset : { offset, length: count }, this.#abort.signal);
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== "range_not_satisfiable") throw error;
    }
  }

  #takeFront(length: number): Buffer {
    const part = this.#buffered.subarray(0, length);
    this.#buffered = this.#buffered.subarray(part.length);
    this.#position += part.length;
    return part;
  }

  // False at the end of the file.
  async #fill(): Promise<boolean> {
    const piece = await this.#body?.next();
    if (piece !== undefined && piece !== null) {
      this.#buffered = piece;
      return true;
    }
    // A piece that was fetched after a jump has ended; the file may go on, and from here on it is read as a stream.
    if (this.#body === undefined || this.#position < this.#streamEnd) return false;
    await this.#open(this.#position, jumpBytes);
    return this.#body === undefined ? false : this.#fill();
  }
}
