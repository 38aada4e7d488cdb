import type { Readable } from "node:stream";
import { Failure } from "#contract/failure.ts";

/** How much a body may be and how long it may take, in milliseconds. */
export interface BodyLimits {
  readonly mostBytes: number;
  /** Without a byte. */
  readonly stallMs: number;
  /** From its first byte to its last, however steadily it comes. */
  readonly bodyMs: number;
}

/** Plenty for a megabyte over a bad connection; a body that may take longer is a stream. */
export const bodyPace: Omit<BodyLimits, "mostBytes"> = { stallMs: 20_000, bodyMs: 120_000 };

/**
 * Reads a short body whole. Whoever opens a connection and sends a byte now and then must not hold it for ever: such a body is refused, and
 * the stream is left open for the answer. @throws {Failure} `body_too_large`, `request_too_slow`, `upload_incomplete`
 */
export async function readWhole(body: Readable, { mostBytes, stallMs, bodyMs }: BodyLimits): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const pieces: Buffer[] = [];
  const endsAt = performance.now() + bodyMs;
  let bytes = 0;
  const stall = setTimeout(() => reject(new Failure("request_too_slow")), stallMs);
  const onData = (piece: Buffer): void => {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > mostBytes) reject(new Failure("body_too_large", { limitBytes: mostBytes }));
    else if (performance.now() > endsAt) reject(new Failure("request_too_slow"));
    else stall.refresh();
  };
  const onEnd = (): void => resolve(Buffer.concat(pieces));
  const onGone = (cause?: Error): void => reject(new Failure("upload_incomplete", {}, { cause }));
  body.on("data", onData).once("end", onEnd).once("error", onGone).once("close", onGone);
  if (body.readableEnded) onEnd();
  else if (body.destroyed) onGone();
  try {
    return await promise;
  } finally {
    clearTimeout(stall);
    body.off("data", onData).off("end", onEnd).off("error", onGone).off("close", onGone);
  }
}
