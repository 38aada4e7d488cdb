import { forwardingLines } from "../proxy/forwarding.ts";
import type { ProxyVisit } from "../proxy/proxy-visit.ts";
import { readRequestHeaders } from "../proxy/request-head.ts";
import type { Page } from "./page.ts";
import { type PageRequest, sharedHeaders } from "./page-request.ts";

/** The request to the program on behalf of everybody who waits; when an old page is at hand, the program may answer that it is still good. */
export function sharedRequest(visit: ProxyVisit, request: PageRequest, old: Page | undefined): string {
  const { req, target, host } = visit.arrival;
  const { lines } = readRequestHeaders(sharedHeaders(req.rawHeaders, request));
  // What stands before the visitor's own address in X-Forwarded-For is the visitor's word, and nobody else's business.
  const forwarding = forwardingLines(visit.forwarding.address, visit.forwarding);
  const etag = old === undefined || old.etag === null ? "" : `If-None-Match: ${old.etag}\r\n`;
  const since = old === undefined || old.lastModified === null ? "" : `If-Modified-Since: ${old.lastModified}\r\n`;
  return `GET ${target} HTTP/1.1\r\n${lines}${forwarding}X-Forwarded-Host: ${req.headers.host ?? host}\r\n${etag}${since}\r\n`;
}
