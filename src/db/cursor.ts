import type { Page } from "#core/page.ts";

/** A cursor as people get it: opaque, so that nobody builds one. */
export function encodeCursor(position: string | number): string {
  return Buffer.from(JSON.stringify(position)).toString("base64url");
}

/** The name after which a page begins; null for one that makes no sense. */
export function textCursor(cursor: string | undefined): string | null {
  const position = decode(cursor);
  return typeof position === "string" && !position.includes("\0") ? position : null;
}

/** The number after which a page begins; null for one that makes no sense. */
export function numberCursor(cursor: string | undefined): number | null {
  const position = decode(cursor);
  return typeof position === "number" && Number.isSafeInteger(position) ? position : null;
}

/** A page out of one row more than was asked for: the surplus says that there is another page. */
export function pageOf<Row, T>(
  rows: readonly Row[],
  limit: number,
  of: { readonly position: (row: Row) => string | number; readonly item: (row: Row) => T },
): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(of.item), next: rows.length > limit && last !== undefined ? encodeCursor(of.position(last)) : null };
}

function decode(cursor: string | undefined): unknown {
  if (cursor === undefined) return null;
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    return null;
  }
}
