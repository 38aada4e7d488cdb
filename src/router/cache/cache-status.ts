import type { Page } from "./page.ts";
import type { Bypass } from "./page-request.ts";

/** Why the program was asked (RFC 9211, section 2.2). */
export type Forwarded = "uri-miss" | "vary-miss" | "stale" | "request";

const name = "backlot";

/** Cache-Status of an answer that was kept; `detail` says why an old one went out. */
export function hitStatus(page: Page, now: number, detail?: "asleep" | "revalidating" | "failed"): string {
  const ttl = Math.floor((page.freshUntil - now) / 1000);
  return `${name}; hit; ttl=${ttl}${detail === undefined ? "" : `; detail=${detail}`}`;
}

/** Cache-Status of an answer for which the program was asked. */
export function missStatus(forwarded: Forwarded, how: { readonly isStored?: boolean; readonly isCollapsed?: boolean; readonly status?: number } = {}): string {
  const status = how.status === undefined ? "" : `; fwd-status=${how.status}`;
  return `${name}; fwd=${forwarded}${status}${how.isStored === true ? "; stored" : ""}${how.isCollapsed === true ? "; collapsed" : ""}`;
}

/** Cache-Status of an answer that has nothing to do with the cache. */
export function bypassStatus(reason: Bypass): string {
  return reason === "method" ? `${name}; fwd=method` : `${name}; fwd=bypass; detail=${reason}`;
}

/** An answer's headers with its Cache-Status, and without the tags that are between the program and the cache. */
export function withStatus(fields: readonly string[], status: string): string[] {
  const dressed: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const field = fields[index] ?? "";
    if (field.toLowerCase() !== "cache-tag") dressed.push(field, fields[index + 1] ?? "");
  }
  dressed.push("Cache-Status", status);
  return dressed;
}
