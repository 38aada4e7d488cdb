import { createHash } from "node:crypto";
import { constants, fdatasync, fstatSync, fsync, openSync, read, write, writev } from "node:fs";
import { promisify } from "node:util";
import { LRUCache } from "lru-cache";
import { at, Descriptor } from "./descriptor.ts";

const readAsync = promisify(read);
const writeAsync = promisify(write);
const writevAsync = promisify(writev);
const datasyncAsync = promisify(fdatasync);
const chunkBytes = 256 * 1024;

/** Waits until a file's bytes, or a folder's entries, are on the disk. */
export const syncDescriptor = promisify(fsync);

/** Reads into the whole buffer unless the file ends before; gives the number of bytes. */
export async function readFully(fd: number, buffer: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await readAsync(fd, buffer, done, buffer.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** Writes the whole chunk: the system may take it in parts. */
export async function writeFully(fd: number, chunk: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < chunk.length) done += (await writeAsync(fd, chunk, done, chunk.length - done, position + done)).bytesWritten;
}

/** Bytes on their way into a file: one piece, or several that belong behind one another. */
export type Bytes = Uint8Array | readonly Uint8Array[];

/** How many they are. */
export function lengthOf(bytes: Bytes): number {
  return bytes instanceof Uint8Array ? bytes.length : bytes.reduce((sum, piece) => sum + piece.length, 0);
}

/** Writes all of it, several pieces at once. */
export async function writeBytes(fd: number, bytes: Bytes, position: number): Promise<void> {
  const pieces = bytes instanceof Uint8Array ? [bytes] : bytes;
  const [first] = pieces;
  if (first === undefined) return;
  if (pieces.length === 1) return writeFully(fd, first, position);
  let skip = (await writevAsync(fd, [...pieces], position)).bytesWritten;
  // What the system did not take.
  let at = position + skip;
  for (const piece of pieces) {
    const left = piece.subarray(Math.min(skip, piece.length));
    skip -= piece.length - left.length;
    if (left.length > 0) await writeFully(fd, left, at);
    at += left.length;
  }
}

/** After so many bytes the disk begins with them, while more come. */
const aheadBytes = 8 * 1024 * 1024;
// One at a time: a thread is busy with it, and there are few.
let isSyncing = false;

/** Has a long write reach the disk while it goes on, so that little is left to wait for at its end. */
export class SyncAhead {
  readonly #fd: number;
  #bytes = 0;
  #running: Promise<void> | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** So much was written. */
  wrote(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < aheadBytes || isSyncing) return;
    this.#bytes = 0;
    isSyncing = true;
    this.#running = datasyncAsync(this.#fd).finally(() => {
      isSyncing = false;
    });
    // Told by `settled`.
    this.#running.catch(() => undefined);
  }

  /** Resolves when the descriptor is not in use here any more. @throws what the disk said: a second sync would not say it again. */
  async settled(): Promise<void> {
    await this.#running;
  }
}

/** The chunks of an open file from the start to its end. */
export async function* chunksOf(fd: number): AsyncGenerator<Uint8Array> {
  for (let position = 0; ; ) {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    const count = await readFully(fd, buffer, position);
    if (count === 0) return;
    position += count;
    yield buffer.subarray(0, count);
  }
}

// A file that changed within the clock's granularity after it was hashed would keep its times: only files at rest are remembered.
const restNs = 2_000_000_000n;
const known = new LRUCache<string, string>({ max: 20_000 });
const underWay = new Map<string, Promise<string>>();

/** The sha256 of an open file in hex, remembered as long as inode, size and times stay the same (nobody can set the change time back). */
export async function digestOf(fd: number): Promise<string> {
  const key = identityOf(fd);
  const remembered = known.get(key) ?? (await underWay.get(key));
  if (remembered !== undefined) return remembered;
  const digest = hash(fd, key);
  underWay.set(key, digest);
  try {
    return await digest;
  } finally {
    underWay.delete(key);
  }
}

async function hash(fd: number, key: string): Promise<string> {
  const startedNs = BigInt(Date.now()) * 1_000_000n;
  // A descriptor of its own: others may wait for this digest after the first who asked has gone.
  using file = new Descriptor(openSync(at(fd), constants.O_RDONLY));
  const sum = createHash("sha256");
  for await (const chunk of chunksOf(file.fd)) sum.update(chunk);
  const digest = sum.digest("hex");
  const isAtRest = fstatSync(file.fd, { bigint: true }).ctimeNs + restNs < startedNs;
  if (isAtRest && identityOf(file.fd) === key) known.set(key, digest);
  return digest;
}

function identityOf(fd: number): string {
  const stat = fstatSync(fd, { bigint: true });
  return `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
}
