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
  /** What of the stream has not come yet. */
  #missing = 0;
  /** Where the stream ends without being the file's end. */
  #streamEnd = Number.POSITIVE_INFINITY;
  #isFirst = true;

  constructor(files: RemoteFiles, file: FilePath) {
    this.#files = files;
    this.#file = file;
  }

  /**
   * The bytes from an offset on: as many as were asked for, or up to the file's end, and none at the end. In a buffer of their own, behind so many
   * bytes of `lead` that the caller fills in: they are copied once between the connection that they come from and the answer that they go into.
   */
  async read(offset: number, length: number, lead: number): Promise<Buffer> {
    const isNext = this.#body !== undefined && offset === this.#position;
    if (!isNext) await this.#open(offset, length);
    if (this.#buffered.length === 0 && !(await this.#fill())) return Buffer.alloc(lead);
    const most = this.#streamEnd === Number.POSITIVE_INFINITY ? Math.min(length, this.#buffered.length + this.#missing) : length;
    const answer = Buffer.allocUnsafe(lead + most);
    let end = lead;
    // What was fetched is read over by what is fetched next.
    do end += this.#takeFront(answer, end);
    while (end < answer.length && (this.#buffered.length > 0 || (await this.#fill())));
    return answer.subarray(0, end);
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
    this.#missing = 0;
    try {
      this.#body = await this.#files.read(this.#file, isStream ? offset : { offset, length: count }, this.#abort.signal);
      this.#missing = this.#body.length;
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== "range_not_satisfiable") throw error;
    }
  }

  #takeFront(into: Buffer, at: number): number {
    const count = this.#buffered.copy(into, at);
    this.#buffered = this.#buffered.subarray(count);
    this.#position += count;
    return count;
  }

  // False at the end of the file.
  async #fill(): Promise<boolean> {
    const piece = await this.#body?.next();
    if (piece !== undefined && piece !== null) {
      this.#buffered = piece;
      this.#missing -= piece.length;
      return true;
    }
    // A piece that was fetched after a jump has ended; the file may go on, and from here on it is read as a stream.
    if (this.#body === undefined || this.#position < this.#streamEnd) return false;
    await this.#open(this.#position, jumpBytes);
    return this.#body === undefined ? false : this.#fill();
  }
}
