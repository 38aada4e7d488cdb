import type { Readable } from "node:stream";

const headerBytes = 8;

/** Where in its frame a piece stands. */
export interface FrameEdges {
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/** Takes a piece of a program's output; nothing more is read until its promise has settled. */
export type TakeOutput = (stream: "stdout" | "stderr", chunk: Buffer, edges: FrameEdges) => Promise<void> | undefined;

/**
 * Reads what an engine sends of a program without a terminal: frames of a header (a byte for the stream, three of nothing, four for the
 * length) and a text. Resolves when the stream has ended, also when it broke.
 */
export async function readMultiplexed(stream: Readable, take: TakeOutput): Promise<void> {
  let header = Buffer.alloc(0);
  let frame: { readonly stream: "stdout" | "stderr"; left: number; isNew: boolean } | null = null;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; ) {
        if (frame === null) {
          const part = chunk.subarray(at, at + headerBytes - header.length);
          header = Buffer.concat([header, part]);
          at += part.length;
          if (header.length < headerBytes) break;
          frame = { stream: header[0] === 2 ? "stderr" : "stdout", left: header.readUInt32BE(4), isNew: true };
          header = Buffer.alloc(0);
        } else {
          const part = chunk.subarray(at, at + frame.left);
          at += part.length;
          frame.left -= part.length;
          const isFirst = frame.isNew;
          frame.isNew = false;
          await take(frame.stream, part, { isFirst, isLast: frame.left === 0 });
        }
        if (frame?.left === 0) frame = null;
      }
    }
  } catch (error) {
    // The engine went away in the middle; whoever reads learns of the program's end elsewhere.
    if (!stream.destroyed) throw error;
  }
}
