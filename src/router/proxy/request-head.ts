import { Failure } from "#contract/failure.ts";
import { fieldActions } from "./field-actions.ts";
import { withoutSession } from "./session-cookies.ts";

/** What of a visitor's request goes to the site. */
export interface RequestFacts {
  /** Header lines, each ended by CR LF. */
  readonly lines: string;
  /** Bytes of the body; null when it is chunked. */
  readonly contentLength: number | null;
  readonly hasBody: boolean;
}

const actionOf = fieldActions({
  connection: "connection",
  "keep-alive": "drop",
  "proxy-connection": "drop",
  "proxy-authorization": "drop",
  te: "drop",
  trailer: "drop",
  "http2-settings": "drop",
  // The router itself answers 100-continue, when the site's program is there to take the body.
  expect: "drop",
  upgrade: "drop",
  "transfer-encoding": "transfer",
  "content-length": "length",
  host: "host",
  cookie: "cookie",
  // Told anew by the router.
  forwarded: "drop",
  "x-forwarded-for": "drop",
  "x-forwarded-host": "drop",
  "x-forwarded-port": "drop",
  "x-forwarded-proto": "drop",
  "x-forwarded-server": "drop",
  "x-forwarded-prefix": "drop",
  "x-forwarded-ssl": "drop",
  "x-real-ip": "drop",
  "x-site-root": "drop",
  "x-backlot-address": "drop",
});

/**
 * Picks out of a request's headers what a site may see. Node's parser has refused most of what smuggles requests already;
 * here the rest is refused, so that router and site can never disagree about where a request ends.
 * @throws {Failure} `request_malformed`
 */
export function readRequestHeaders(rawHeaders: readonly string[]): RequestFacts {
  let lines = "";
  let hosts = 0;
  let contentLength: number | null = null;
  let isChunked = false;
  let listed: string | null = null;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    // Node gives pairs of name and value.
    const name = rawHeaders[index] as string;
    const value = rawHeaders[index + 1] as string;
    switch (actionOf(name)) {
      case "pass":
        lines += `${name}: ${value}\r\n`;
        break;
      case "host":
        hosts += 1;
        lines += `Host: ${value}\r\n`;
        break;
      case "length":
        if (contentLength !== null || !/^\d{1,15}$/.test(value)) throw malformed("its Content-Length is no single number");
        contentLength = Number(value);
        lines += `Content-Length: ${contentLength}\r\n`;
        break;
      case "transfer":
        if (isChunked || value.toLowerCase() !== "chunked") throw malformed("its Transfer-Encoding is not just `chunked`");
        isChunked = true;
        lines += "Transfer-Encoding: chunked\r\n";
        break;
      case "cookie": {
        const cookies = withoutSession(value);
        if (cookies !== null) lines += `Cookie: ${cookies}\r\n`;
        break;
      }
      case "connection":
        if (!/^(?:keep-alive|close|upgrade|keep-alive, *upgrade)$/i.test(value)) listed = listed === null ? value : `${listed},${value}`;
        break;
      default:
        break;
    }
  }
  if (hosts > 1) throw malformed("it names two hosts");
  if (isChunked && contentLength !== null) throw malformed("it gives its length in two ways");
  if (listed !== null) lines = withoutListed(lines, listed);
  return { lines, contentLength: isChunked ? null : (contentLength ?? 0), hasBody: isChunked || (contentLength ?? 0) > 0 };
}

function malformed(reason: string): Failure {
  return new Failure("request_malformed", { reason });
}

/** Headers that frame the request or name the site stay, whatever a Connection header lists. */
const kept = new Set(["host", "content-length", "transfer-encoding"]);

function withoutListed(lines: string, listed: string): string {
  const names = new Set(listed.split(",").map((name) => name.trim().toLowerCase()));
  return lines
    .split("\r\n")
    .filter((line) => {
      const name = line.slice(0, line.indexOf(":")).toLowerCase();
      return kept.has(name) || !names.has(name);
    })
    .join("\r\n");
}
