import { hasCode } from "../api.ts";
import { fetchFile } from "../data-files.ts";
import { fetchHistory, fetchVersion } from "../data-history.ts";
import { decodeText } from "../text-file.ts";
import { mergeTexts } from "./merge.ts";
import type { Conflict } from "./text-buffer.ts";

interface Question {
  readonly site: string;
  readonly path: string;
  readonly mine: string;
  /** What both sides began from; the text is looked up among earlier versions where it is not known. */
  readonly base: { readonly etag: string | null; readonly text: string | null };
}

/** Reads the version in the way, and joins both where their changes do not touch. */
export async function readConflict({ site, path, mine, base }: Question): Promise<Conflict> {
  try {
    const { bytes, etag } = await fetchFile(site, path);
    const theirs = decodeText(bytes);
    if (theirs === null) return { theirs, etag, merged: null };
    const from = base.text ?? (await baseText(site, path, base.etag));
    return { theirs, etag, merged: from === null ? null : mergeTexts(from, mine, theirs.text) };
  } catch (error) {
    if (hasCode(error, "file_not_found")) return { theirs: null, etag: null, merged: null };
    throw error;
  }
}

/** The text of a version by its sha256; null when it is not kept any more. */
async function baseText(site: string, path: string, etag: string | null): Promise<string | null> {
  if (etag === null) return null;
  try {
    const version = (await fetchHistory(site, path)).find(({ sha256 }) => `"${sha256}"` === etag);
    return version === undefined ? null : (decodeText(await fetchVersion(site, version.id))?.text ?? null);
  } catch {
    // Only a suggestion hangs on it: without the base both versions are shown all the same.
    return null;
  }
}
