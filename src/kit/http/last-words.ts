import type { Duplex } from "node:stream";

/** So long the other side may take to close a connection that was ended. */
const lingerMs = 2_000;

/**
 * Ends a bare connection once `text` has gone out. What still comes in is thrown away: unread it would keep the connection, and closing at
 * once would reset it, so that the last words might be lost. Whoever stays is cut off.
 */
export function endWith(socket: Duplex, text?: string): void {
  if (socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), lingerMs).unref();
  socket.once("close", () => clearTimeout(timer));
  if (text === undefined) socket.end();
  else socket.end(text);
  socket.resume();
}
