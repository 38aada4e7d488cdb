import type { KeptStream } from "./run-record.ts";

/** How an output of at most so many bytes is laid out: a head, and pieces of which the last ones hold the tail. */
export interface OutputLayout {
  readonly headBytes: number;
  readonly tailBytes: number;
  readonly partBytes: number;
  /** So many pieces hold at least the tail, wherever the last one ends. */
  readonly parts: number;
}

export function layoutOf(limitBytes: number): OutputLayout {
  const headBytes = Math.floor(limitBytes / 2);
  const tailBytes = limitBytes - headBytes;
  const partBytes = Math.max(512, Math.ceil(tailBytes / 4));
  return { headBytes, tailBytes, partBytes, parts: Math.ceil(tailBytes / partBytes) + 1 };
}

/** What is left out stands in the file in words. */
export function markOf(bytes: number): string {
  return bytes === 0 ? "" : `\n[Backlot left out ${bytes} bytes here]\n`;
}

/** What the finished file holds of `writtenBytes` that reached the disk, of `bytes` that were printed. */
export function keptOf(layout: OutputLayout, bytes: number, writtenBytes: number): KeptStream {
  const headBytes = Math.min(writtenBytes, layout.headBytes);
  const tailOffset = Math.max(headBytes, writtenBytes - layout.tailBytes);
  return { bytes, headBytes, markBytes: markOf(tailOffset - headBytes).length, tailOffset, tailBytes: writtenBytes - tailOffset };
}

/** Where in the finished file a byte stands, and how many follow it there; null where nothing from this offset on was kept. */
export function placeIn(kept: KeptStream, offset: number): { readonly offset: number; readonly position: number; readonly bytes: number } | null {
  if (offset < kept.headBytes) return { offset, position: offset, bytes: kept.headBytes - offset };
  const end = kept.tailOffset + kept.tailBytes;
  const from = Math.max(offset, kept.tailOffset);
  if (from >= end) return null;
  return { offset: from, position: kept.headBytes + kept.markBytes + from - kept.tailOffset, bytes: end - from };
}
