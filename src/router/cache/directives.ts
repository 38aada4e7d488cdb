/** Directives of a Cache-Control header by lower-case name; null for one without a value. */
export type Directives = ReadonlyMap<string, string | null>;

const directive = /([!#$%&'*+.^_`|~0-9a-z-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/gi;

/** Reads a Cache-Control header (RFC 9111, section 5.2). Of a directive that is given twice, the smaller number counts. */
export function parseDirectives(header: string | undefined): Directives {
  const found = new Map<string, string | null>();
  if (header === undefined) return found;
  for (const [, name = "", quoted, plain] of header.matchAll(directive)) {
    const key = name.toLowerCase();
    const value = quoted ?? plain ?? null;
    const before = found.get(key);
    const isLarger = before !== undefined && before !== null && value !== null && Number(value) > Number(before);
    if (!isLarger) found.set(key, value);
  }
  return found;
}

/** The seconds of a directive; null when it is not given, and 0 when it is no number: such an answer counts as old already. */
export function secondsOf(directives: Directives, name: string): number | null {
  const value = directives.get(name);
  if (value === undefined) return null;
  return value !== null && /^\d{1,10}$/.test(value) ? Number(value) : 0;
}

/** The directives as one header in the spelling that http-cache-semantics understands. */
export function formatDirectives(directives: Directives): string {
  return [...directives]
    .map(([name, value]) => (value === null ? name : `${name}=${/^\d+$/.test(value) ? value : `"${value.replaceAll(",", " ")}"`}`))
    .join(", ");
}
