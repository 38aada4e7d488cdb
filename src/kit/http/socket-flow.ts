import type { Readable, Writable } from "node:stream";
import type { RawData, WebSocket } from "ws";

// How bytes get through a WebSocket without piling up in memory: a socket itself takes whatever it is given.

/** So many bytes may wait in a socket for a slow reader before its source is paused. */
export const mostBufferedBytes = 1024 * 1024;
const resumeBelowBytes = 256 * 1024;

/** Whoever has not answered a ping within this time is gone. Proxies close what is silent for a minute. */
const pingEveryMs = 25_000;

/** Ends a socket whose other side has silently gone. */
export function keepAlive(socket: WebSocket): void {
  let isThere = true;
  socket.on("pong", () => {
    isThere = true;
  });
  const timer = setInterval(() => {
    // While it is paused nothing is read, answers neither.
    if (!isThere && !socket.isPaused) return socket.terminate();
    isThere = false;
    socket.ping();
  }, pingEveryMs).unref();
  socket.once("close", () => clearInterval(timer));
}

/**
 * Sends messages to a socket and says when it is full: `send` returns false, and then `onDrain` is called once there is room again.
 * A socket that is closed takes everything and forgets it.
 */
export function boundedSender(socket: WebSocket, onDrain: () => void): (message: string | Uint8Array) => boolean {
  let isFull = false;
  const sent = (): void => {
    if (!isFull || socket.bufferedAmount > resumeBelowBytes) return;
    isFull = false;
    onDrain();
  };
  return (message) => {
    if (socket.readyState !== socket.OPEN) return true;
    socket.send(message, sent);
    if (socket.bufferedAmount > mostBufferedBytes) isFull = true;
    return !isFull;
  };
}

/** Sends what a stream gives, each piece as `frame` makes it, no faster than the other side reads. Resolves when the stream has closed. */
export function sendStream(socket: WebSocket, stream: Readable, frame: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  const send = boundedSender(socket, () => stream.resume());
  // Whoever has gone takes nothing more; what is left is read away, so that the program is not held up by it.
  socket.once("close", () => stream.resume());
  return new Promise((resolve) => {
    stream.once("close", resolve);
    stream.on("data", (chunk: Buffer) => {
      if (!send(frame(chunk))) stream.pause();
    });
    stream.resume();
  });
}

/** Writes to a stream, and reads nothing more from the socket while the stream is full. */
export function boundedWriter(socket: WebSocket, stream: Writable): (bytes: Uint8Array) => void {
  let isFull = false;
  const goOn = (): void => {
    isFull = false;
    socket.resume();
  };
  stream.on("drain", goOn).once("close", goOn);
  return (bytes) => {
    if (!stream.writable || stream.write(bytes) || isFull) return;
    isFull = true;
    socket.pause();
  };
}

/** Passes every message of one socket on to another, no faster than that one's other side reads. */
export function relayMessages(from: WebSocket, to: WebSocket): void {
  const send = boundedSender(to, () => from.resume());
  to.once("close", () => from.resume());
  from.on("message", (data, isBinary) => {
    const bytes = bytesOf(data);
    if (!send(isBinary ? bytes : bytes.toString("utf8"))) from.pause();
  });
}

/** A message's bytes, in whichever of its forms `ws` gives them. */
export function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
