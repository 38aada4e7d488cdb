import { Failure } from "#contract/failure.ts";
import { pageTextOf, renderPage } from "../../pages/error-page.ts";

/** Statuses that HAProxy answers by itself, with what each means here. */
const failures: Readonly<Record<number, () => Failure>> = {
  400: () => new Failure("request_malformed", { reason: "it is not HTTP as it should be" }),
  403: () => new Failure("request_malformed", { reason: "it is not allowed" }),
  408: () => new Failure("request_malformed", { reason: "it came too slowly" }),
  429: () => new Failure("rate_limited", { retryAfterSeconds: 10 }),
  500: () => new Failure("site_unreachable", { reason: "the balancer has a fault" }),
  502: () => new Failure("site_unreachable", { reason: "it ended the connection before it had answered" }),
  503: () => new Failure("not_ready"),
  504: () => new Failure("site_too_slow", { seconds: "too many" }),
};

/** The statuses that have a file. */
export const errorStatuses: readonly number[] = Object.keys(failures).map(Number);

/** The files of HAProxy's own answers, by name: whole answers, and the page of a site with too many visitors. Pure. */
export function errorFiles(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [status, failure] of Object.entries(failures)) files.set(`${status}.http`, answerOf(Number(status), failure()));
  files.set("busy.html", renderPage(pageTextOf(new Failure("site_overloaded", { retryAfterSeconds: 5 }))));
  return files;
}

function answerOf(status: number, failure: Failure): string {
  const body = renderPage({ ...pageTextOf(failure), status });
  const retry = status === 503 ? ["Retry-After: 5"] : status === 429 ? ["Retry-After: 10"] : [];
  const head = [
    `HTTP/1.1 ${status} ${reasons[status] ?? "Error"}`,
    "Content-Type: text/html; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Cache-Control: no-store",
    "X-Content-Type-Options: nosniff",
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'",
    ...retry,
    "Connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

const reasons: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  408: "Request Timeout",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};
