import type { IncomingMessage, ServerResponse } from "node:http";
import { endAnswer } from "../end-answer.ts";
import { isRangeCurrent, isUnchanged } from "../static/conditions.ts";
import { parseRange } from "../static/range.ts";
import type { Page } from "./page.ts";

/** Headers of an answer that says "unchanged" (RFC 9110, section 15.4.5). */
const ofUnchanged = new Set(["cache-control", "content-location", "date", "etag", "expires", "vary", "last-modified"]);
/** No entity tag of a program looks like this one. */
const noTag = "\0";

/** Answers a visitor with a kept page: whole, in part, without its body, or by saying that it has not changed. */
export function sendPage(
  to: { readonly req: IncomingMessage; readonly res: ServerResponse },
  page: Page,
  said: { readonly now: number; readonly status: string },
): void {
  const { req, res } = to;
  const own = ["Age", String(Math.floor((page.ageMs + said.now - page.storedAt) / 1000)), "Cache-Status", said.status];
  const modified = page.lastModified === null ? Number.NaN : Date.parse(page.lastModified);
  if (page.status === 200) {
    const conditions = { ifNoneMatch: req.headers["if-none-match"], ifModifiedSince: req.headers["if-modified-since"] };
    if (isUnchanged(conditions, page.etag?.replace(/^W\//, "") ?? noTag, modified)) {
      res.writeHead(304, [...only(page.fields), ...own]);
      res.end();
      return;
    }
    if (req.headers.range !== undefined && req.method === "GET" && sendPart(to, page, { own, modified })) return;
  }
  const length = page.status === 204 || page.status === 304 ? [] : ["Content-Length", String(page.body.length)];
  res.writeHead(page.status, [...page.fields, ...length, ...own]);
  if (req.method === "HEAD" || page.body.length === 0) res.end();
  else endAnswer(res, page.body, false);
}

function sendPart(
  { req, res }: { readonly req: IncomingMessage; readonly res: ServerResponse },
  page: Page,
  { own, modified }: { readonly own: readonly string[]; readonly modified: number },
): boolean {
  const ifRange = req.headers["if-range"];
  if (!isRangeCurrent(typeof ifRange === "string" ? ifRange : undefined, page.etag ?? noTag, modified)) return false;
  const size = page.body.length;
  const range = parseRange(req.headers.range, size);
  if (range === null) return false;
  if (range === "unsatisfiable") {
    res.writeHead(416, ["Content-Range", `bytes */${size}`, "Content-Length", "0", ...own]);
    res.end();
    return true;
  }
  const { start, end } = range;
  res.writeHead(206, [...page.fields, "Content-Length", String(end - start), "Content-Range", `bytes ${start}-${end - 1}/${size}`, ...own]);
  endAnswer(res, page.body.subarray(start, end), false);
  return true;
}

function only(fields: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? "";
    if (ofUnchanged.has(name.toLowerCase())) kept.push(name, fields[index + 1] ?? "");
  }
  return kept;
}
