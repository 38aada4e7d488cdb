/** What a file is known by, to caches and to conditional requests. */
export interface FileIdentity {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
}

/** A strong entity tag: another modification time, size or file is another version. */
export function etagOf(file: FileIdentity): string {
  return `"${Math.round(file.mtimeMs * 1000).toString(36)}-${file.size.toString(36)}-${file.ino.toString(36)}"`;
}

/** A conditional request's own headers. */
export interface Conditions {
  readonly ifNoneMatch: string | undefined;
  readonly ifModifiedSince: string | undefined;
}

/** Whether the client has this version already (RFC 9110, section 13.2.2): 304 then. */
export function isUnchanged(conditions: Conditions, etag: string, mtimeMs: number): boolean {
  const { ifNoneMatch, ifModifiedSince } = conditions;
  if (ifNoneMatch !== undefined) return ifNoneMatch.trim() === "*" || ifNoneMatch.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
  if (ifModifiedSince === undefined) return false;
  const since = Date.parse(ifModifiedSince);
  // Dates of HTTP have whole seconds.
  return !Number.isNaN(since) && Math.floor(mtimeMs / 1000) * 1000 <= since;
}

/** Whether a range may be cut from this version, going by If-Range: else the whole file is sent. */
export function isRangeCurrent(ifRange: string | undefined, etag: string, mtimeMs: number): boolean {
  if (ifRange === undefined) return true;
  if (ifRange.startsWith('"')) return ifRange === etag;
  const date = Date.parse(ifRange);
  return !Number.isNaN(date) && Math.floor(mtimeMs / 1000) * 1000 === date;
}
