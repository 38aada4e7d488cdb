import type { Readable } from "node:stream";

/** The stream, with something to do when it closes, whichever way. */
export function released(stream: Readable, release: () => void): Readable {
  stream.once("close", release);
  return stream;
}
