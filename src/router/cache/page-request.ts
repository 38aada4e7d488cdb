import type { IncomingHttpHeaders } from "node:http";
import type { SiteRoute } from "#contract/site-spec.ts";
import { withoutSession } from "../proxy/session-cookies.ts";
import { parseDirectives } from "./directives.ts";

/** What the cache has to know of a visitor's request. */
export interface PageRequest {
  /** Which address: scheme, Host header, path and query, as the program is told them. */
  readonly key: string;
  readonly method: "GET" | "HEAD";
  readonly headers: Readonly<Record<string, string>>;
  /** Headers that an ordinary request does not carry: an answer to it is kept for others only when it says that it depends on them. */
  readonly unkeyed: readonly string[];
  /** It carries cookies or authorisation. */
  readonly isSignedIn: boolean;
  /** The visitor wants to know that it is the newest. */
  readonly isReload: boolean;
  readonly onlyIfCached: boolean;
  readonly hasRange: boolean;
  readonly hasConditions: boolean;
}

/** Why a request has nothing to do with the cache. */
export type Bypass = "method" | "body" | "cookie" | "authorization" | "condition" | "connection" | "no-store";

/** A request as it came. */
export interface AskedPage {
  readonly method: string;
  readonly target: string;
  readonly scheme: "http" | "https";
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly route: SiteRoute;
  readonly isUpgrade: boolean;
}

// Headers of ordinary requests. The program sees them; only what it names in Vary tells one kept answer from another.
const ordinary =
  /^(?:accept|accept-charset|accept-encoding|accept-language|cache-control|connection|cookie|authorization|dnt|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|keep-alive|pragma|priority|proxy-connection|purpose|range|referer|save-data|sec-ch-[a-z-]+|sec-fetch-[a-z]+|sec-gpc|sec-purpose|te|upgrade-insecure-requests|user-agent|forwarded|x-forwarded-(?:for|host|port|proto|server|prefix|ssl)|x-real-ip|x-site-root)$/;

/** Looks at a request, or says why the cache is not asked. Pure. */
export function readPageRequest(asked: AskedPage): PageRequest | Bypass {
  const { method, headers, route } = asked;
  if ((method !== "GET" && method !== "HEAD") || asked.isUpgrade) return "method";
  if ((headers["content-length"] ?? "0") !== "0" || headers["transfer-encoding"] !== undefined || headers.expect !== undefined) return "body";
  const directives = parseDirectives(headers["cache-control"]);
  if (directives.has("no-store")) return "no-store";
  const sharesSignedIn = route.cache?.sharesSignedIn === true;
  const hasCookies = headers.cookie !== undefined && withoutSession(headers.cookie) !== null;
  if (hasCookies && !sharesSignedIn) return "cookie";
  if (headers.authorization !== undefined && !sharesSignedIn) return "authorization";
  if (headers["if-match"] !== undefined || headers["if-unmodified-since"] !== undefined) return "condition";
  // A header that Connection lists does not reach the program, so that the program's Vary says nothing of it.
  if (!/^(?:keep-alive|close|)$/i.test(headers.connection?.trim() ?? "")) return "connection";
  return {
    key: `${asked.scheme}://${headers.host ?? ""}${asked.target}`,
    method,
    headers: plainHeaders(headers),
    unkeyed: unkeyedNames(asked.rawHeaders),
    isSignedIn: hasCookies || headers.authorization !== undefined,
    isReload: directives.has("no-cache") || (headers["cache-control"] === undefined && /no-cache/i.test(headers.pragma ?? "")),
    onlyIfCached: directives.has("only-if-cached"),
    hasRange: headers.range !== undefined,
    hasConditions: headers["if-none-match"] !== undefined || headers["if-modified-since"] !== undefined,
  };
}

/** The value of a header as far as it matters: encodings in another order or spelling ask for the same. */
export function valueFor(request: PageRequest, name: string): string {
  const value = request.headers[name] ?? "";
  return name === "accept-encoding" ? plainEncodings(value) : value;
}

const encodings = ["zstd", "br", "gzip", "deflate"] as const;

/** The encodings that a client takes, in one order; as it was given where it says more than names. */
export function plainEncodings(header: string): string {
  const names = header
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
  if (names.some((name) => name.includes(";") || name === "*" || name === "identity")) return header;
  return encodings.filter((encoding) => names.includes(encoding)).join(", ");
}

const notSent = new Set(["if-none-match", "if-modified-since", "if-range", "range", "referer", "accept-encoding", "cache-control", "pragma"]);

/**
 * The headers with which the program is asked on behalf of everybody who waits: without conditions and ranges, since the whole is
 * wanted, and without what belongs to this one visitor.
 */
export function sharedHeaders(rawHeaders: readonly string[], request: PageRequest): string[] {
  const kept: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (!notSent.has(name.toLowerCase())) kept.push(name, rawHeaders[index + 1] ?? "");
  }
  const accepted = valueFor(request, "accept-encoding");
  if (accepted !== "") kept.push("Accept-Encoding", accepted);
  return kept;
}

function plainHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const plain: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) plain[name] = typeof value === "string" ? value : value.join(", ");
  return plain;
}

// A header that comes twice counts as one that is not ordinary: of some the program sees both, and the key only the first.
function unkeyedNames(rawHeaders: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  const unkeyed: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? "").toLowerCase();
    if (seen.has(name)) unkeyed.push(`${name} twice`);
    else if (!ordinary.test(name)) unkeyed.push(name);
    seen.add(name);
  }
  return unkeyed;
}
