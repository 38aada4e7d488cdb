import { fieldActions } from "./field-actions.ts";

/** A site's program said something that is not HTTP. Its message completes the sentence "gave no usable answer: …". */
export class ProtocolError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ProtocolError";
  }
}

/** The head of a site's answer, without what concerns only this one connection. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** Names and values in turn, as Node's writeHead takes them. */
  readonly fields: string[];
  readonly hasSetCookie: boolean;
  /** Null: not given. */
  readonly contentLength: number | null;
  readonly isChunked: boolean;
  readonly keepsAlive: boolean;
  /** How long the program says that it keeps an idle connection, in milliseconds. */
  readonly keepAliveMs: number | null;
  /** For 101: the protocol that is spoken from here on. */
  readonly upgrade: string | null;
}

const actionOf = fieldActions({
  connection: "connection",
  "keep-alive": "keep-alive",
  "proxy-connection": "drop",
  "transfer-encoding": "transfer",
  "content-length": "length",
  trailer: "drop",
  te: "drop",
  upgrade: "upgrade",
  "set-cookie": "set-cookie",
});

/** Parses a head (RFC 9112, sections 4 and 5), given without the empty line at its end. @throws {ProtocolError} */
export function parseResponseHead(text: string): ResponseHead {
  let lineEnd = text.indexOf("\r\n");
  if (lineEnd === -1) lineEnd = text.length;
  const version = text.slice(0, 9);
  const isOld = version === "HTTP/1.0 ";
  if (!isOld && version !== "HTTP/1.1 ") throw new ProtocolError("it does not begin like an HTTP answer");
  const status = Number(text.slice(9, 12));
  const reason = text.slice(13, lineEnd);
  if (!(status >= 100 && status <= 999) || (lineEnd > 12 && text[12] !== " ")) throw new ProtocolError("its status is not a number");
  const fields: string[] = [];
  let hasSetCookie = false;
  let contentLength: number | null = null;
  let isChunked = false;
  let connection = "";
  let keepAliveMs: number | null = null;
  let upgrade: string | null = null;
  while (lineEnd < text.length) {
    const start = lineEnd + 2;
    lineEnd = text.indexOf("\r\n", start);
    if (lineEnd === -1) lineEnd = text.length;
    const colon = text.indexOf(":", start);
    if (colon === -1 || colon >= lineEnd || colon === start) throw new ProtocolError("one of its header lines has no name");
    const name = text.slice(start, colon);
    const value = text.slice(colon + 1, lineEnd).trim();
    switch (actionOf(name)) {
      case "pass":
        fields.push(name, value);
        break;
      case "set-cookie":
        hasSetCookie = true;
        fields.push(name, value);
        break;
      case "length": {
        const length = Number(value);
        if (!/^\d{1,15}$/.test(value) || (contentLength !== null && contentLength !== length))
          throw new ProtocolError("its Content-Length is no single number");
        contentLength = length;
        break;
      }
      case "transfer":
        if (isChunked || isOld || value.toLowerCase() !== "chunked") throw new ProtocolError("its Transfer-Encoding is not just `chunked`");
        isChunked = true;
        break;
      case "connection":
        connection = connection === "" ? value.toLowerCase() : `${connection},${value.toLowerCase()}`;
        break;
      case "keep-alive":
        keepAliveMs = keepAliveHint(value);
        break;
      case "upgrade":
        upgrade = value;
        break;
      default:
        break;
    }
  }
  if (isChunked && contentLength !== null) throw new ProtocolError("it gives its length in two ways");
  if (contentLength !== null) fields.push("Content-Length", String(contentLength));
  const keepsAlive = isOld ? connection.includes("keep-alive") : !connection.includes("close");
  const isListing = connection !== "" && connection !== "keep-alive" && connection !== "close";
  return {
    status,
    reason,
    fields: isListing ? withoutListed(fields, connection) : fields,
    hasSetCookie,
    contentLength,
    isChunked,
    keepsAlive,
    keepAliveMs,
    upgrade,
  };
}

function keepAliveHint(value: string): number | null {
  const seconds = /timeout=(\d{1,6})/i.exec(value)?.[1];
  return seconds === undefined ? null : Number(seconds) * 1000;
}

function withoutListed(fields: readonly string[], connection: string): string[] {
  const listed = new Set(connection.split(",").map((name) => name.trim()));
  return fields.filter((_, index) => {
    const name = (fields[index - (index % 2)] ?? "").toLowerCase();
    return name === "content-length" || !listed.has(name);
  });
}
