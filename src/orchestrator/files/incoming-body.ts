import type { IncomingMessage } from "node:http";
import { Failure } from "#contract/failure.ts";
import { notePassed } from "#kit/http/passing-buffers.ts";

// A client that sends nothing for this long is gone, or holds a file open for fun.
const idleMs = 60_000;

/** The announced length of a request's body; undefined when it comes in chunks. */
export function announcedBytes(request: IncomingMessage): number | undefined {
  const header = request.headers["content-length"];
  return header === undefined ? undefined : Number(header);
}

/** As many bytes, and pieces of them, wait while those before them go to the disk. */
const mostWaitingBytes = 256 * 1024;
const mostWaitingPieces = 64;

/**
 * A request's body as it comes: each time all that has arrived meanwhile. Ends with `upload_incomplete` when the client goes away or stalls; the
 * connection stays usable for an answer.
 */
export async function* batchesOf(request: IncomingMessage): AsyncGenerator<readonly Uint8Array[]> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  let wake = Promise.withResolvers<void>();
  let failure: Failure | undefined;
  const fail = (cause?: unknown): void => {
    failure ??= new Failure("upload_incomplete", {}, { cause });
    wake.resolve();
  };
  const onData = (piece: Uint8Array): void => {
    waiting.push(piece);
    bytes += piece.length;
    notePassed(piece.length);
    if (bytes >= mostWaitingBytes || waiting.length >= mostWaitingPieces) request.pause();
    wake.resolve();
  };
  const onEnd = (): void => wake.resolve();
  const onClose = (): void => {
    if (!request.readableEnded) fail();
  };
  request.setTimeout(idleMs, () => request.destroy(new Failure("upload_incomplete")));
  request.on("error", fail).on("close", onClose).on("end", onEnd).on("data", onData);
  try {
    if (request.destroyed) onClose();
    while (true) {
      if (waiting.length > 0) {
        const taken = waiting;
        [waiting, bytes] = [[], 0];
        request.resume();
        yield taken;
      } else if (failure !== undefined) throw failure;
      else if (request.readableEnded) break;
      else {
        wake = Promise.withResolvers();
        await wake.promise;
      }
    }
    if (!request.complete) throw new Failure("upload_incomplete");
  } finally {
    request.setTimeout(0);
    request.off("data", onData).off("end", onEnd).off("close", onClose);
    // A refused body is not destroyed, which would close the socket before the client has read why; whoever answers reads the rest away.
    request.pause();
    request.once("end", () => request.off("error", fail));
  }
}

/** The same, piece by piece. */
export async function* bodyOf(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  for await (const batch of batchesOf(request)) yield* batch;
}
