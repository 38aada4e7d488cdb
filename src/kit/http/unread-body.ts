import type { IncomingMessage } from "node:http";

/** How long a client may go on sending a body that was answered already, in milliseconds. */
const lingerMs = 30_000;

/**
 * Reads away what is left of a body whose answer has gone out: a refusal in the middle of an upload. Without it the rest stays in the
 * connection, and the client's next request on it, queued behind those bytes, is never seen. Closing at once instead would reset the
 * connection, and the client would lose the answer that it has not read yet.
 */
export function drainUnread(request: IncomingMessage, withinMs = lingerMs): void {
  if (request.complete || request.readableEnded || request.destroyed) return;
  const { socket } = request;
  const timer = setTimeout(() => socket.destroy(), withinMs).unref();
  const done = (): void => clearTimeout(timer);
  request.once("end", done).once("close", done);
  // An iterator that was left in the middle still listens for `readable`, which keeps a stream from flowing.
  request.removeAllListeners("readable");
  request.resume();
}
