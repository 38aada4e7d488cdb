import { Failure } from "#contract/failure.ts";

/** What a request is for. */
export interface RequestTarget {
  /** Lower case, without port and trailing dot; "" when none was given. */
  readonly host: string;
  /** Path and query as they came. */
  readonly target: string;
}

/** A Host header as a key of the route table: lower case, without port and trailing dot. */
export function hostName(header: string | undefined): string {
  if (header === undefined) return "";
  let end = header.length;
  const colon = header.lastIndexOf(":");
  // `[::1]:8080` has colons of its own.
  if (colon !== -1 && header[colon - 1] !== "]" ? header.indexOf(":") === colon : colon !== -1) end = colon;
  if (header[end - 1] === ".") end -= 1;
  return header.slice(0, end).toLowerCase();
}

/** The Host header of a request, by names and values as they came. @throws {Failure} `request_malformed` unless there is one, and one only */
export function onlyHost(rawHeaders: readonly string[]): string {
  let found: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.length !== 4 || rawHeaders[index]?.toLowerCase() !== "host") continue;
    if (found !== undefined) throw new Failure("request_malformed", { reason: "it names two hosts" });
    found = rawHeaders[index + 1];
  }
  if (found === undefined || found === "") throw new Failure("request_malformed", { reason: "it names no host" });
  return found;
}

/** Reads what a request is for. An absolute address (`GET http://host/path`) must name the same host as its Host header. @throws {Failure} `request_malformed` */
export function parseTarget(url: string, hostHeader: string): RequestTarget {
  const host = hostName(hostHeader);
  if (url.startsWith("/")) return { host, target: url };
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url);
  if (absolute !== null && hostName(absolute[1]) === host) {
    const rest = absolute[2] ?? "";
    return { host, target: rest.startsWith("/") ? rest : `/${rest}` };
  }
  throw new Failure("request_malformed", { reason: "its address does not begin with a slash" });
}

/** Splits a target into its path and its query, which keeps the question mark. */
export function splitQuery(target: string): { readonly path: string; readonly query: string } {
  const mark = target.indexOf("?");
  return mark === -1 ? { path: target, query: "" } : { path: target.slice(0, mark), query: target.slice(mark) };
}
