import { createHash } from "node:crypto";
import { constants, fstatSync, fsync, openSync, read, write } from "node:fs";
import { promisify } from "node:util";
import { LRUCache } from "lru-cache";
import { at, Descriptor } from "./descriptor.ts";

const readAsync = promisify(read);
const writeAsync = promisify(write);
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
