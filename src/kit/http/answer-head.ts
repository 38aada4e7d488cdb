/** The head of an answer of another process of ours. */
export interface AnswerHead {
  readonly status: number;
  /** Bytes of the body. */
  readonly length: number;
  /** Whether the connection is good for another request afterwards. */
  readonly isKept: boolean;
}

/** An answer that is none, or not one that our processes give. */
export class AnswerError extends Error {}

const mostHeadBytes = 16 * 1024;
const headEnd = Buffer.from("\r\n\r\n");

/** Puts an answer's head together from pieces. */
export class AnswerHeadReader {
  #bytes: Buffer = Buffer.alloc(0);

  /** The head with what came behind it, once it is whole. @throws {AnswerError} */
  feed(piece: Buffer): { readonly head: AnswerHead; readonly rest: Buffer } | undefined {
    this.#bytes = this.#bytes.length === 0 ? piece : Buffer.concat([this.#bytes, piece]);
    const end = this.#bytes.indexOf(headEnd);
    if (end > mostHeadBytes || (end < 0 && this.#bytes.length > mostHeadBytes)) throw new AnswerError("its head is too long");
    if (end < 0) {
      // The piece is written over by the next one.
      this.#bytes = Buffer.from(this.#bytes);
      return undefined;
    }
    const text = this.#bytes.toString("latin1", 0, end);
    const rest = this.#bytes.subarray(end + headEnd.length);
    this.#bytes = Buffer.alloc(0);
    return { head: parseHead(text), rest };
  }
}

function parseHead(text: string): AnswerHead {
  const [first = "", ...lines] = text.split("\r\n");
  const [, status] = /^HTTP\/1\.1 ([2-5]\d\d)(?: |$)/.exec(first) ?? [];
  if (status === undefined) throw new AnswerError("its first line is not one of HTTP/1.1");
  let length: number | undefined = status === "204" || status === "304" ? 0 : undefined;
  let isKept = true;
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "content-length") {
      if (!/^\d{1,15}$/.test(value)) throw new AnswerError("its length is no number");
      length = Number(value);
    } else if (name === "transfer-encoding") throw new AnswerError("its length is not told");
    else if (name === "connection" && value.toLowerCase() === "close") isKept = false;
  }
  if (length === undefined) throw new AnswerError("its length is not told");
  return { status: Number(status), length, isKept };
}
