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

/** What is gathered of a head line by line. */
interface Draft {
  readonly fields: string[];
  hasSetCookie: boolean;
  contentLength: number | null;
  isChunked: boolean;
  connection: string;
  keepAliveMs: number | null;
  upgrade: string | null;
}

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
  const draft: Draft = { fields: [], hasSetCookie: false, contentLength: null, isChunked: false, connection: "", keepAliveMs: null, upgrade: null };
  while (lineEnd < text.length) {
    const start = lineEnd + 2;
    lineEnd = text.indexOf("\r\n", start);
    if (lineEnd === -1) lineEnd = text.length;
    const colon = text.indexOf(":", start);
    if (colon === -1 || colon >= lineEnd || colon === start) throw new ProtocolError("one of its header lines has no name");
    take(draft, text.slice(start, colon), text.slice(colon + 1, lineEnd).trim());
  }
  const { fields, hasSetCookie, contentLength, isChunked, connection, keepAliveMs, upgrade } = draft;
  if (isChunked && (contentLength !== null || isOld)) throw new ProtocolError("it gives its length in two ways");
  if (contentLength !== null) fields.push("Content-Length", String(contentLength));
  const keepsAlive = isOld ? connection.includes("keep-alive") : !connection.includes("close");
  const isListing = connection !== "" && connection !== "keep-alive" && connection !== "close";
  const own = isListing ? withoutListed(fields, connection) : fields;
  return { status, reason, fields: own, hasSetCookie, contentLength, isChunked, keepsAlive, keepAliveMs, upgrade };
}

function take(draft: Draft, name: string, value: string): void {
  switch (actionOf(name)) {
    case "pass":
      draft.fields.push(name, value);
      break;
    case "set-cookie":
      draft.hasSetCookie = true;
      draft.fields.push(name, value);
      break;
    case "length": {
      const length = Number(value);
      const isAnother = draft.contentLength !== null && draft.contentLength !== length;
      if (isAnother || !/^\d{1,15}$/.test(value)) throw new ProtocolError("its Content-Length is no single number");
      draft.contentLength = length;
      break;
    }
    case "transfer":
      if (draft.isChunked || value.toLowerCase() !== "chunked") throw new ProtocolError("its Transfer-Encoding is not just `chunked`");
      draft.isChunked = true;
      break;
    case "connection":
      draft.connection = draft.connection === "" ? value.toLowerCase() : `${draft.connection},${value.toLowerCase()}`;
      break;
    case "keep-alive":
      draft.keepAliveMs = keepAliveHint(value);
      break;
    case "upgrade":
      draft.upgrade = value;
      break;
    default:
      break;
  }
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
