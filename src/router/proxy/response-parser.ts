// HTTP/1.1 answers of sites' programs, read on a plain socket. Why not a library: docs/decisions, "own upstream client".
import { ProtocolError, parseResponseHead, type ResponseHead } from "./response-head.ts";

/** Takes an answer in, piece by piece, in order. A piece of the body is only good during the call unless it is copied. */
export interface ResponseSink {
  onHead(head: ResponseHead): void;
  onData(chunk: Buffer): void;
  onEnd(): void;
  /** 101 came: everything from `rest` on is another protocol. */
  onUpgrade(head: ResponseHead, rest: Buffer): void;
}

type State = "idle" | "head" | "length" | "until-close" | "chunk-size" | "chunk-data" | "chunk-end" | "trailers" | "upgraded";

const mostHeadBytes = 64 * 1024;
const mostTrailerBytes = 16 * 1024;
const mostChunkLineBytes = 1024;
const nothing = Buffer.alloc(0);

/** Reads one answer after the other from one connection. */
export class ResponseParser {
  #state: State = "idle";
  #isHeadRequest = false;
  /** What came of a line or head that is not complete yet. */
  #rest: Buffer = nothing;
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left = 0;

  /** Whether no answer is under way. */
  get isIdle(): boolean {
    return this.#state === "idle";
  }

  /** Expects the answer to a request; that to HEAD has no body. */
  begin(isHeadRequest: boolean): void {
    this.#isHeadRequest = isHeadRequest;
    this.#state = "head";
  }

  /** Takes bytes in as they came. @throws {ProtocolError} when they are not HTTP; the connection is of no use then. */
  execute(chunk: Buffer, sink: ResponseSink): void {
    let data = chunk;
    if (this.#rest.length > 0) {
      data = Buffer.concat([this.#rest, chunk]);
      this.#rest = nothing;
    }
    let at = 0;
    while (at < data.length) {
      const next = this.#step(data, at, sink);
      if (next === null) {
        // The chunk may be a shared buffer: what is kept is copied.
        if (this.#state !== "upgraded") this.#rest = Buffer.from(data.subarray(at));
        return;
      }
      at = next;
    }
  }

  /** The connection has ended. @throws {ProtocolError} when that was too early. */
  finish(sink: ResponseSink): void {
    if (this.#state === "until-close") {
      this.#state = "idle";
      sink.onEnd();
    } else if (this.#state !== "idle" && this.#state !== "upgraded") throw new ProtocolError("it ended the connection in the middle");
  }

  /** Goes one step on; gives the position after it, or null when more bytes are needed. */
  #step(data: Buffer, at: number, sink: ResponseSink): number | null {
    switch (this.#state) {
      case "head":
        return this.#readHead(data, at, sink);
      case "length":
      case "chunk-data":
        return this.#readSized(data, at, sink);
      case "until-close":
        sink.onData(at === 0 ? data : data.subarray(at));
        return data.length;
      case "chunk-size":
        return this.#readChunkSize(data, at);
      case "chunk-end":
        return this.#readChunkEnd(data, at);
      case "trailers":
        return this.#readTrailer(data, at, sink);
      case "idle":
        throw new ProtocolError("it said something without being asked");
      case "upgraded":
        return null;
    }
  }

  #readHead(data: Buffer, at: number, sink: ResponseSink): number | null {
    const end = data.indexOf("\r\n\r\n", at, "latin1");
    if ((end === -1 ? data.length : end) - at > mostHeadBytes) throw new ProtocolError("the head of its answer is too long");
    if (end === -1) return null;
    const head = parseResponseHead(data.toString("latin1", at, end));
    const after = end + 4;
    if (head.status === 101) {
      this.#state = "upgraded";
      sink.onUpgrade(head, Buffer.from(data.subarray(after)));
      return null;
    }
    // 100 and 103: another head follows.
    if (head.status < 200) return after;
    this.#state = this.#framing(head);
    sink.onHead(head);
    if (this.#state === "idle") sink.onEnd();
    return after;
  }

  /** RFC 9112, section 6.3. */
  #framing(head: ResponseHead): State {
    if (this.#isHeadRequest || head.status === 204 || head.status === 304) return "idle";
    if (head.isChunked) return "chunk-size";
    if (head.contentLength === null) return "until-close";
    this.#left = head.contentLength;
    return head.contentLength === 0 ? "idle" : "length";
  }

  #readSized(data: Buffer, at: number, sink: ResponseSink): number {
    const end = Math.min(data.length, at + this.#left);
    this.#left -= end - at;
    const isLast = this.#left === 0;
    const isBodyEnd = isLast && this.#state === "length";
    if (isLast) this.#state = isBodyEnd ? "idle" : "chunk-end";
    sink.onData(at === 0 && end === data.length ? data : data.subarray(at, end));
    if (isBodyEnd) sink.onEnd();
    return end;
  }

  #readChunkSize(data: Buffer, at: number): number | null {
    const end = lineEnd(data, at, mostChunkLineBytes);
    if (end === -1) return null;
    const size = /^([0-9a-f]{1,12})[ \t]*(?:;[^\r\n]*)?$/i.exec(data.toString("latin1", at, end))?.[1];
    if (size === undefined) throw new ProtocolError("the size of a chunk is not a number");
    this.#left = Number.parseInt(size, 16);
    this.#state = "chunk-data";
    if (this.#left === 0) {
      this.#state = "trailers";
      this.#left = mostTrailerBytes;
    }
    return end + 2;
  }

  #readChunkEnd(data: Buffer, at: number): number | null {
    if (data.length - at < 2) return null;
    if (data[at] !== 13 || data[at + 1] !== 10) throw new ProtocolError("a chunk is longer than it says");
    this.#state = "chunk-size";
    return at + 2;
  }

  // Trailers are read and left out: Node's server announces none of its own here.
  #readTrailer(data: Buffer, at: number, sink: ResponseSink): number | null {
    const end = lineEnd(data, at, this.#left);
    if (end === -1) return null;
    this.#left -= end + 2 - at;
    if (end > at) return end + 2;
    this.#state = "idle";
    sink.onEnd();
    return end + 2;
  }
}

function lineEnd(data: Buffer, at: number, mostBytes: number): number {
  const end = data.indexOf("\r\n", at, "latin1");
  if ((end === -1 ? data.length : end) - at > mostBytes) throw new ProtocolError("a line of its answer is too long");
  return end;
}
