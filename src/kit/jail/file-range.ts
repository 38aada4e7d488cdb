import { close, read } from "node:fs";
import { Readable, type Writable } from "node:stream";
import { promisify } from "node:util";

const readAsync = promisify(read);
const closeAsync = promisify(close);

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

// Reused by one download after another: fresh ones would have the garbage collector run all the time.
const idle: Buffer[] = [];
const mostIdle = 32;

/**
 * Writes a range of an open file to a connection and closes the descriptor in the end, whatever that end is: while one piece is on its way out the
 * next one is read. Rejects when the connection closes, and when the file has become shorter meanwhile.
 */
export async function pourFileRange(range: FileRange, out: Writable): Promise<void> {
  const closed = Promise.withResolvers<never>();
  const onClose = (): void => closed.reject(new Error("the connection was closed"));
  closed.promise.catch(() => undefined);
  out.once("close", onClose);
  if (out.destroyed) onClose();
  let before: Promise<void> = Promise.resolve();
  try {
    for (let position = range.start; position < range.end; ) {
      const buffer = idle.pop() ?? Buffer.allocUnsafeSlow(chunkBytes);
      // Not raced with the end of the connection: closed under a read in flight, the number could belong to another file before that read begins.
      const { bytesRead } = await readAsync(range.fd, buffer, 0, Math.min(chunkBytes, range.end - position), position);
      if (bytesRead === 0) throw new Error("the file became shorter while it was read");
      position += bytesRead;
      await Promise.race([before, closed.promise]);
      before = written(out, bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead)).then(() => {
        if (idle.length < mostIdle) idle.push(buffer);
      });
      before.catch(() => undefined);
    }
    await Promise.race([before, closed.promise]);
  } finally {
    out.off("close", onClose);
    await closeAsync(range.fd);
  }
}

function written(out: Writable, piece: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  out.write(piece, (error) => (error ? reject(error) : resolve()));
  return promise;
}
