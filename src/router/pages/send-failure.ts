import type { IncomingMessage, ServerResponse } from "node:http";
import { type Failure, problemOf } from "#contract/failure.ts";
import { type PageText, pageTextOf, renderPage } from "./error-page.ts";
import { visitorFailure } from "./visitor-failure.ts";

/** What of an answer is not in the failure itself. */
export interface FailureAnswer {
  readonly failure: Failure;
  readonly headers?: Readonly<Record<string, string>>;
  readonly link?: PageText["link"];
}

/** Failures that pass by themselves: clients and crawlers are told to come back. */
const retryAfterSeconds = 5;

/** Answers a visitor with a page, or a program with a problem document. Does nothing when an answer has begun already. */
export function sendFailure(req: IncomingMessage, res: ServerResponse, answer: FailureAnswer): void {
  const failure = visitorFailure(answer.failure);
  if (res.headersSent) {
    // Half an answer is out: only the end of the connection tells that the rest is missing.
    res.destroy();
    return;
  }
  const isPage = wantsPage(req.headers.accept);
  // What is a conflict to the owner who wants to start the site is a site out of service to a visitor.
  const status = failure.status === 409 ? 503 : failure.status;
  const body = Buffer.from(isPage ? renderPage({ ...pageTextOf(failure), status, link: answer.link }) : JSON.stringify({ ...problemOf(failure), status }));
  res.writeHead(status, {
    "Content-Type": isPage ? "text/html; charset=utf-8" : "application/problem+json",
    "Content-Length": body.length,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    Vary: "Accept",
    ...(status === 503 ? { "Retry-After": String(failure.details.retryAfterSeconds ?? retryAfterSeconds) } : {}),
    ...answer.headers,
  });
  res.end(body);
  discardBody(req);
}

/** Whether an Accept header is a browser's. */
export function wantsPage(accept: string | undefined): boolean {
  return accept?.includes("text/html") ?? false;
}

/** So much of a refused body is read and thrown away, since most clients read the answer only when they have sent everything. */
const mostDiscardedBytes = 8 * 1024 * 1024;
const longestDiscardMs = 30_000;

/** Reads the rest of a request's body and throws it away, within limits; beyond them the connection ends. */
export function discardBody(req: IncomingMessage): void {
  if (req.complete) return;
  let discarded = 0;
  const deadline = setTimeout(() => req.socket.destroy(), longestDiscardMs);
  req.removeAllListeners("data");
  req.on("data", (chunk: Buffer) => {
    discarded += chunk.length;
    if (discarded > mostDiscardedBytes) req.socket.destroy();
  });
  req.on("close", () => clearTimeout(deadline));
  req.resume();
}
