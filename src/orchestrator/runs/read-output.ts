import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { RunOutput } from "#contract/internal/runs.ts";
import { codeOf } from "#kit/jail/descriptor.ts";
import { readFully } from "#kit/jail/descriptor-io.ts";
import type { KeptOutput } from "./kept-output.ts";
import { type OutputFile, reopenOutput } from "./output-file.ts";
import { placeIn } from "./output-layout.ts";
import { partFile } from "./run-files.ts";
import type { KeptStream } from "./run-record.ts";
import { isContinuation, wholeCharacters } from "./whole-characters.ts";

/** An output that can be read, while it grows or afterwards. */
export interface OutputSource {
  /** Bytes that the program printed and that were dealt with. */
  readonly bytes: number;
  /** Nothing comes any more. */
  readonly isFinished: boolean;
  /** Some of what is kept from `offset` on, `maxBytes` at most; `end` is whether nothing follows it without a gap. Null: nothing that is kept, as yet. */
  read(offset: number, maxBytes: number): Promise<{ readonly offset: number; readonly bytes: Uint8Array; readonly isEnd: boolean } | null>;
  /** Calls back at every change; returns what ends that. */
  watch(onChange: () => void): () => void;
}

const pieceBytes = 64 * 1024;

/** The output of a run that has ended. */
export function finishedSource(file: OutputFile, kept: KeptStream): OutputSource {
  return { bytes: kept.bytes, isFinished: true, read: (offset, maxBytes) => readFinished(file, kept, { offset, maxBytes }), watch: () => () => undefined };
}

/** The output of a run that goes on; afterwards it reads the finished file. */
export function growingSource(output: KeptOutput): OutputSource {
  return {
    get bytes() {
      return output.isFinished ? output.kept.bytes : output.writtenBytes;
    },
    get isFinished() {
      return output.isFinished;
    },
    read: async (offset, maxBytes) => {
      const found = output.isFinished ? null : await readGrowing(output, offset, maxBytes);
      // It may have been finished while its pieces were being read.
      return output.isFinished ? readFinished(output.place.file, output.kept, { offset, maxBytes }) : found;
    },
    watch: (onChange) => output.watch(onChange),
  };
}

/** Pieces of an output from an offset on; a negative one counts from the end. Characters are never cut. */
export async function* readOutput(
  source: OutputSource,
  options: { readonly offset: number; readonly follow: boolean; readonly signal: AbortSignal },
): AsyncGenerator<RunOutput> {
  const { signal } = options;
  let next = options.offset < 0 ? Math.max(0, source.bytes + options.offset) : options.offset;
  let isJump = next > 0;
  while (!signal.aborted) {
    const change = changeOf(source, signal);
    const isFinished = source.isFinished;
    const printed = source.bytes;
    const found = await source.read(next, pieceBytes);
    const piece = found === null ? null : pieceOf(found, { asked: next, isJump, isFinished });
    if (piece !== null) {
      change.ignore();
      yield piece;
      next = piece.next;
      isJump = false;
      continue;
    }
    if (isFinished || !options.follow) {
      change.ignore();
      if (isFinished && next < printed && found === null) yield { offset: printed, next: printed, text: "", skipped: printed - next };
      return;
    }
    await change.happened;
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function pieceOf(
  found: { readonly offset: number; readonly bytes: Uint8Array; readonly isEnd: boolean },
  at: { readonly asked: number; readonly isJump: boolean; readonly isFinished: boolean },
): RunOutput | null {
  // Only after a jump can a piece begin inside a character.
  let start = 0;
  if (at.isJump || found.offset > at.asked) while (start < 3 && start < found.bytes.length && isContinuation(found.bytes[start])) start += 1;
  // At a gap, and at the end, what is missing of a character never comes.
  const end = found.isEnd && at.isFinished ? found.bytes.length : Math.max(start, wholeCharacters(found.bytes));
  const offset = found.offset + start;
  if (end === start && !(at.isFinished && found.isEnd && start > 0)) return null;
  return { offset, next: found.offset + end, text: decoder.decode(found.bytes.subarray(start, end)), skipped: found.offset - at.asked };
}

async function readFinished(file: OutputFile, kept: KeptStream, wanted: { readonly offset: number; readonly maxBytes: number }) {
  const place = placeIn(kept, wanted.offset);
  if (place === null) return null;
  const bytes = await readAt(file, place.position, Math.min(place.bytes, wanted.maxBytes));
  // Somebody shortened or deleted the file: what it held is as good as not kept.
  if (bytes.length === 0) return null;
  return { offset: place.offset, bytes, isEnd: bytes.length === place.bytes };
}

async function readGrowing(output: KeptOutput, asked: number, maxBytes: number) {
  const { headBytes, partBytes, parts } = output.layout;
  const written = output.writtenBytes;
  if (asked >= written) return null;
  if (asked < headBytes) return growing(asked, await readAt(output.place.file, asked, Math.min(maxBytes, headBytes - asked, written - asked)));
  const last = Math.floor((written - headBytes - 1) / partBytes);
  const oldest = headBytes + Math.max(0, last - parts + 2) * partBytes;
  const offset = Math.max(asked, oldest);
  const index = Math.floor((offset - headBytes) / partBytes);
  const position = offset - headBytes - index * partBytes;
  const bytes = await readAt(partFile(output.place.parts, index), position, Math.min(maxBytes, partBytes - position, written - offset));
  return growing(offset, bytes);
}

// More may follow whatever was read.
function growing(offset: number, bytes: Uint8Array) {
  return bytes.length === 0 ? null : { offset, bytes, isEnd: false };
}

async function readAt(path: string | OutputFile, position: number, length: number): Promise<Uint8Array> {
  try {
    await using file = typeof path === "string" ? await open(path, "r") : await reopenOutput(path, constants.O_RDONLY);
    const buffer = Buffer.allocUnsafe(length);
    return buffer.subarray(0, await readFully(file.fd, buffer, position));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}

function changeOf(source: OutputSource, signal: AbortSignal): { readonly happened: Promise<void>; readonly ignore: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const unwatch = source.watch(() => resolve());
  const onAbort = (): void => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  const ignore = (): void => {
    unwatch();
    signal.removeEventListener("abort", onAbort);
  };
  return { happened: promise.finally(ignore), ignore };
}
