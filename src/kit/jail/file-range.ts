import { close, read } from "node:fs";
import { Readable } from "node:stream";

// Large enough that the thread pool is not what limits a download, small enough for a thousand at once.
const chunkBytes = 128 * 1024;

/** Which bytes of which open file: `end` is exclusive. */
export interface FileRange {
  readonly fd: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Streams a range of an open file and closes the descriptor in the end, whatever that end is. Fails when the file
 * has become shorter meanwhile: the length was announced already, and an answer that just stops would hang its reader.
 */
export function streamFileRange(range: FileRange): Readable {
  let position = range.start;
  let isReading = false;
  let closeLater: (() => void) | undefined;
  return new Readable({
    highWaterMark: chunkBytes,
    read() {
      const length = Math.min(chunkBytes, range.end - position);
      if (length <= 0) {
        this.push(null);
        return;
      }
      isReading = true;
      read(range.fd, Buffer.allocUnsafe(length), 0, length, position, (error, count, chunk) => {
        isReading = false;
        if (closeLater !== undefined) return closeLater();
        if (error !== null) this.destroy(error);
        else if (count === 0) this.destroy(new Error("the file became shorter while it was read"));
        else {
          position += count;
          this.push(count === length ? chunk : chunk.subarray(0, count));
        }
      });
    },
    destroy(error, done) {
      const end = (): void => close(range.fd, (closeError) => done(error ?? closeError));
      // Closed under a read in flight, the number could belong to another file before that read begins.
      if (isReading) closeLater = end;
      else end();
    },
  });
}
