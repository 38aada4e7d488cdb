import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { notePassed } from "#kit/http/passing-buffers.ts";
import type { Transfer } from "./session-core.ts";

/** A client that was killed closes both its connections, the data connection perhaps first: so long its end is not believed. */
const afterglowMs = 30;
/** As much is taken from a client before the other side has. */
const mostWaitingBytes = 256 * 1024;

/**
 * What a client sends over a data connection, whose end is all that tells the end of the file. Without `cut` (a good file would be replaced)
 * that end counts only while the control connection lives, and anything else is an error. With `cut` everything that arrived is to stay, so that
 * it ends in order, and `cut` says what was wrong.
 */
export function receivedFrom(socket: Socket, transfer: Transfer, cut: unknown[] | null): Readable {
  const received = new Readable({ highWaterMark: mostWaitingBytes, read: () => void socket.resume() });
  let hasEnded = false;
  const fail = (error: Error): void => {
    if (hasEnded) return;
    hasEnded = true;
    if (cut === null) received.destroy(error);
    else {
      cut.push(error);
      received.push(null);
    }
  };
  const end = async (): Promise<void> => {
    if (cut === null) await delay(afterglowMs, undefined, { signal: transfer.abort.signal });
    if (hasEnded) return;
    hasEnded = true;
    received.push(null);
  };
  socket.on("data", (piece: Buffer) => {
    transfer.bytes += piece.length;
    notePassed(piece.length);
    if (!received.push(piece)) socket.pause();
  });
  // Not destroyed at its end: the other side still waits for the end of TLS.
  socket.once("end", () => void end().catch(fail));
  socket.once("error", fail);
  socket.once("close", () => {
    if (!socket.readableEnded) fail(new Error("the data connection was closed"));
  });
  if (socket.destroyed) fail(new Error("the data connection was closed"));
  return received;
}
