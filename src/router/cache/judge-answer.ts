import CachePolicy from "http-cache-semantics";
import type { RouteCache } from "#contract/site-cache.ts";
import type { ResponseHead } from "../proxy/response-head.ts";
import { type Directives, formatDirectives, parseDirectives, secondsOf } from "./directives.ts";
import type { Page } from "./page.ts";
import type { PageRequest } from "./page-request.ts";

/** Everything of a page that its head decides. */
export type PageTerms = Omit<Page, "body" | "key" | "path" | "varied" | "generation">;

/** An answer as its judgement needs it. */
export interface Answer {
  readonly head: ResponseHead;
  readonly request: Pick<PageRequest, "headers" | "unkeyed" | "isSignedIn">;
  readonly cache: RouteCache;
  readonly now: number;
  readonly mostBytes: number;
}

// What Node refuses to send as a header.
const unsendable = /[^\t\x20-\x7e\x80-\xff]/;
/** Answers that may be kept although they say nothing of it, when the site gives a time for that. */
const plainStatuses: readonly number[] = [200, 203, 301, 308, 404, 410];
/** What is not there may soon be: kept no longer than this unless the program says so. */
const mostNegativeSeconds = 60;
const mostTags = 64;

/** Decides whether an answer is kept, and on which terms (RFC 9111, section 3). Null: not. Pure. */
export function judgeAnswer(answer: Answer): PageTerms | null {
  const { head, request, cache, now } = answer;
  const fields = headersOf(head.fields);
  const directives = parseDirectives(fields["cache-control"]);
  if (!mayBeKept(answer, fields, directives)) return null;
  const vary = varyOf(fields.vary);
  // What the program saw and the key does not say must not shape what others get.
  if (vary === null || !request.unkeyed.every((name) => vary.includes(name))) return null;
  const isPublic = directives.has("public") || directives.has("s-maxage");
  if (request.isSignedIn && !isPublic) return null;
  const policy = policyOf(answer, fields, directives);
  if (!policy.storable()) return null;
  // Whole seconds: the moment that passes between two lines here is no age.
  const ageMs = Math.max(0, Math.floor(policy.age()) * 1000);
  const seconds = lifetimeOf(answer, { policy, fields, directives });
  const etag = fields.etag ?? null;
  const lastModified = fields["last-modified"] ?? null;
  const freshUntil = now + Math.max(0, seconds * 1000 - ageMs);
  const limits = staleLimits(directives, cache, freshUntil > now);
  const latest = freshUntil + Math.max(limits.revalidate, limits.error, limits.asleep);
  if (latest <= now) return null;
  return {
    vary,
    status: head.status,
    fields: keptFields(head, now),
    etag,
    lastModified,
    tags: tagsOf(fields["cache-tag"]),
    storedAt: now,
    ageMs,
    freshUntil,
    revalidateUntil: freshUntil + limits.revalidate,
    errorUntil: freshUntil + limits.error,
    asleepUntil: freshUntil + limits.asleep,
    isPublic,
  };
}

/** A page that the program has just called still good (304): its headers and its times are new, its body stays. Null: it is good no longer. */
export function renewPage(page: Page, answer: Answer): Page | null {
  const { head } = answer;
  const given = headersOf(head.fields);
  const isAnother = given.etag !== undefined && page.etag !== null && weakly(given.etag) !== weakly(page.etag);
  if (isAnother) return null;
  const fields: string[] = [];
  for (let index = 0; index < page.fields.length; index += 2) {
    const name = page.fields[index] ?? "";
    const isReplaced = given[name.toLowerCase()] !== undefined && !ofTheBody.has(name.toLowerCase());
    if (!isReplaced) fields.push(name, page.fields[index + 1] ?? "");
  }
  for (let index = 0; index < head.fields.length; index += 2) {
    const name = head.fields[index] ?? "";
    if (!ofTheBody.has(name.toLowerCase())) fields.push(name, head.fields[index + 1] ?? "");
  }
  const whole: ResponseHead = { ...head, status: page.status, fields, contentLength: page.body.length, isChunked: false };
  const terms = judgeAnswer({ ...answer, head: whole });
  if (terms === null || terms.vary.join() !== page.vary.join()) return null;
  return { ...page, ...terms, tags: given["cache-tag"] === undefined ? page.tags : terms.tags };
}

const ofTheBody = new Set(["content-length", "content-encoding", "content-type", "content-range", "transfer-encoding"]);

/** Headers by lower-case name, several of one name joined. */
export function headersOf(fields: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let index = 0; index < fields.length; index += 2) {
    const name = (fields[index] ?? "").toLowerCase();
    const value = fields[index + 1] ?? "";
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return headers;
}

function mayBeKept({ head, mostBytes }: Answer, fields: Readonly<Record<string, string>>, directives: Directives): boolean {
  // Where only the end of the connection ends an answer, half of one looks like a whole.
  const isDelimited = head.isChunked || head.contentLength !== null || head.status === 204;
  if (!isDelimited || head.hasSetCookie || (head.contentLength ?? 0) > mostBytes) return false;
  if (head.fields.some((text) => unsendable.test(text))) return false;
  if (head.status === 206 || fields["content-range"] !== undefined) return false;
  if (/^text\/event-stream\b/i.test(fields["content-type"] ?? "")) return false;
  return !directives.has("no-store") && !directives.has("private");
}

function policyOf({ head, request }: Answer, fields: Readonly<Record<string, string>>, directives: Directives): CachePolicy {
  const headers = { ...fields, ...(directives.size === 0 ? {} : { "cache-control": formatDirectives(directives) }) };
  // What the visitor says of caching is no business of what is kept for others.
  const asked = { method: "GET", url: "/", headers: { ...request.headers, "cache-control": undefined, pragma: undefined } };
  return new CachePolicy(asked, { status: head.status, headers }, { shared: true, cacheHeuristic: 0, immutableMinTimeToLive: 0 });
}

function lifetimeOf(
  { head, cache }: Answer,
  given: { readonly policy: CachePolicy; readonly fields: Readonly<Record<string, string>>; readonly directives: Directives },
): number {
  const { policy, fields, directives } = given;
  const isSilent = !["max-age", "s-maxage", "no-cache"].some((name) => directives.has(name)) && fields.expires === undefined && fields.pragma === undefined;
  if (!isSilent) return policy.maxAge();
  if (!plainStatuses.includes(head.status)) return 0;
  return head.status >= 400 ? Math.min(cache.defaultSeconds, mostNegativeSeconds) : cache.defaultSeconds;
}

/** How long past its time an answer may go out, in milliseconds (RFC 9111, section 4.2.4; RFC 5861). */
function staleLimits(
  directives: Directives,
  cache: RouteCache,
  wasFresh: boolean,
): { readonly revalidate: number; readonly error: number; readonly asleep: number } {
  const said = { revalidate: secondsOf(directives, "stale-while-revalidate"), error: secondsOf(directives, "stale-if-error") };
  const isForbidden = ["must-revalidate", "proxy-revalidate", "no-cache"].some((name) => directives.has(name));
  // s-maxage says proxy-revalidate too, unless the program itself allows more.
  const isShared = directives.has("s-maxage");
  // One that never was fresh and says no time of its own was not meant to be kept.
  const isUnmeant = !wasFresh && !["max-age", "s-maxage"].some((name) => directives.has(name));
  if (isForbidden || isUnmeant) return { revalidate: 0, error: 0, asleep: 0 };
  const [revalidate, error] = [said.revalidate ?? 0, said.error ?? 0];
  if (isShared) return { revalidate: revalidate * 1000, error: error * 1000, asleep: Math.max(revalidate, error) * 1000 };
  return {
    revalidate: (said.revalidate ?? (wasFresh ? cache.revalidateSeconds : 0)) * 1000,
    error: (said.error ?? cache.staleSeconds) * 1000,
    asleep: cache.staleSeconds * 1000,
  };
}

/** Null for `*`: no other request is like this one. */
function varyOf(header: string | undefined): readonly string[] | null {
  if (header === undefined) return [];
  const names = header
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  return names.includes("*") || names.length > 16 ? null : [...new Set(names)].toSorted();
}

function keptFields(head: ResponseHead, now: number): string[] {
  const fields: string[] = [];
  let hasDate = false;
  for (let index = 0; index < head.fields.length; index += 2) {
    const name = head.fields[index] ?? "";
    const key = name.toLowerCase();
    if (key === "age" || key === "cache-tag" || key === "content-length") continue;
    if (key === "date") hasDate = true;
    fields.push(name, head.fields[index + 1] ?? "");
  }
  if (!hasDate) fields.push("Date", new Date(now).toUTCString());
  return fields;
}

/** The tags of an answer, separated by commas. */
export function tagsOf(header: string | undefined): readonly string[] {
  if (header === undefined) return [];
  const tags = header
    .split(",")
    .map((tag) => tag.trim())
    .filter((tag) => tag !== "" && tag.length <= 128);
  return [...new Set(tags)].slice(0, mostTags);
}

function weakly(etag: string): string {
  return etag.replace(/^\s*W\//i, "").trim();
}
