import { Failure } from "./failure.ts";
import { hasInvisible } from "./invisible-character.ts";

/** Longest name of one file or folder, in bytes of UTF-8: the limit of Linux file systems. */
export const maxSegmentBytes = 255;
/** Longest path inside a site, in bytes. */
export const maxPathBytes = 4000;
/** Deepest folder inside a site. */
export const maxPathDepth = 64;

const encoder = new TextEncoder();

/**
 * Parses a path inside a site as people write it (`public/img/a.png`; "" is the site's own folder) into its segments.
 * A leading or trailing slash, `.`, `..`, a backslash, an invisible character or an over-long name is refused with `path_invalid`.
 */
export function parseSitePath(path: string): readonly string[] {
  if (path === "") return [];
  const refuse = (reason: string): never => {
    throw new Failure("path_invalid", { path: path.slice(0, 200), reason });
  };
  if (encoder.encode(path).length > maxPathBytes) refuse(`it is longer than ${maxPathBytes} bytes`);
  if (path.startsWith("/")) refuse("write it without a leading slash, from the site's folder on");
  if (!path.isWellFormed()) refuse("it is not valid Unicode");
  const segments = path.split("/");
  if (segments.length > maxPathDepth) refuse(`it is deeper than ${maxPathDepth} folders`);
  for (const segment of segments) {
    if (segment === "") refuse("it has an empty part between two slashes");
    if (segment === "." || segment === "..") refuse("`.` and `..` are not allowed in it");
    if (segment.includes("\\")) refuse("it holds a backslash");
    if (hasInvisible(segment)) refuse("it holds an invisible or control character");
    if (encoder.encode(segment).length > maxSegmentBytes) refuse(`a name in it is longer than ${maxSegmentBytes} bytes`);
  }
  return segments;
}

/**
 * Parses the raw, still encoded rest of a URL's path. Each segment is decoded on its own, so that an encoded
 * slash never becomes a separator. `isFolder` tells a trailing slash.
 */
export function parseUrlPath(raw: string): { readonly path: string; readonly isFolder: boolean } {
  const isFolder = raw === "" || raw.endsWith("/");
  const trimmed = isFolder ? raw.slice(0, -1) : raw;
  if (trimmed === "") return { path: "", isFolder: true };
  const segments = trimmed.split("/").map((segment) => {
    const decoded = decode(segment, raw);
    if (decoded.includes("/")) throw new Failure("path_invalid", { path: raw.slice(0, 200), reason: "a name in it holds an encoded slash" });
    return decoded;
  });
  return { path: parseSitePath(segments.join("/")).join("/"), isFolder };
}

/** The other way round: a path inside a site as the rest of a URL's path. */
export function urlPathOf(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

function decode(segment: string, raw: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new Failure("path_invalid", { path: raw.slice(0, 200), reason: "it is not correctly percent-encoded" }, { cause });
  }
}
