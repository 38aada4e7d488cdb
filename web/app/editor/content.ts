import { readFile } from "#contract/api/files.ts";
import { api } from "../api.ts";
import { fetchFile } from "../data-files.ts";
import { baseOf } from "../paths.ts";
import { decodeText, type TextFile } from "../text-file.ts";

/** Largest file that can be edited, in bytes: beyond it drafts and comparisons become slow. */
export const editableBytes = 1_000_000;
/** Largest text that is shown at all, in bytes. */
export const readableBytes = 5_000_000;

export type Media = "image" | "audio" | "video" | "pdf";

const media: readonly (readonly [Media, RegExp])[] = [
  ["image", /\.(png|jpe?g|gif|webp|avif|ico|bmp|svg)$/i],
  ["audio", /\.(mp3|wav|ogg|oga|opus|flac|m4a|aac)$/i],
  ["video", /\.(mp4|m4v|webm|ogv|mov)$/i],
  ["pdf", /\.pdf$/i],
];

/** How a browser shows the file, by its name; null for what is read as text. */
export function mediaOf(path: string): Media | null {
  return media.find(([, pattern]) => pattern.test(baseOf(path)))?.[0] ?? null;
}

/** A picture that is text: it can be looked at and edited. */
export function isDrawing(path: string): boolean {
  return /\.svg$/i.test(path);
}

/** What a file turned out to be. `etag` is its version; sizes are in bytes. */
export type Content =
  | { readonly kind: "text"; readonly text: TextFile; readonly etag: string | null; readonly size: number }
  | { readonly kind: "media"; readonly media: Media; readonly etag: string | null; readonly size: number }
  | { readonly kind: "opaque"; readonly reason: "binary" | "large"; readonly etag: string | null; readonly size: number };

/** What bytes of a file are, when they were read. */
export function contentOf(bytes: Uint8Array, etag: string | null): Content {
  const text = decodeText(bytes);
  if (text === null) return { kind: "opaque", reason: "binary", etag, size: bytes.length };
  return { kind: "text", text, etag, size: bytes.length };
}

/**
 * Opens a file; null when it still is the version `known`. What is not shown as text is not read: its size stands in
 * the answer's head.
 */
export async function fetchContent(site: string, path: string, known: string | null): Promise<Content | null> {
  const stop = new AbortController();
  const headers: Record<string, string> = known === null ? {} : { "if-none-match": known };
  const response = await api.fetch(readFile, { params: { name: site, "*": path }, headers, signal: stop.signal });
  if (response.status === 304) return null;
  const etag = response.headers.get("etag");
  const size = Number(response.headers.get("content-length") ?? 0);
  const shownAs = isDrawing(path) ? null : mediaOf(path);
  if (shownAs !== null || size > readableBytes) {
    stop.abort();
    return shownAs === null ? { kind: "opaque", reason: "large", etag, size } : { kind: "media", media: shownAs, etag, size };
  }
  try {
    return contentOf(new Uint8Array(await response.arrayBuffer()), etag);
  } catch {
    // Lost after the head had come: a browser drops what it loads when a network comes or goes.
    const again = await fetchFile(site, path);
    return contentOf(again.bytes, again.etag);
  }
}
