import { Readable } from "node:stream";
import type { ByteLink } from "./byte-link.ts";

/** So long a request waits for the first bytes of its body, to go out with them in one piece. */
const headMs = 10;
/** A first piece that is longer goes out at once. */
const shortBytes = 32 * 1024;

/** Sends a request whose body comes piece by piece. One that ends soon, as small files do, goes out whole and with its length. */
export class BodySender {
  readonly #link: ByteLink;
  readonly #head: string;
  readonly #timer: NodeJS.Timeout;
  #hasBegun = false;
  #first: Uint8Array | undefined;

  /** `head` ends behind its last field. */
  constructor(link: ByteLink, head: string) {
    this.#link = link;
    this.#head = head;
    this.#timer = setTimeout(() => this.#begin(), headMs);
  }

  /** Sends everything of a body, until the answer is there or the link is gone. @throws what the source throws */
  async sendAll(body: AsyncIterable<Uint8Array>): Promise<void> {
    if (body instanceof Readable) await this.#follow(body);
    else
      for await (const piece of body) {
        if (this.#link.isAnswered) return;
        if (!this.#push(piece)) await this.#link.drained();
      }
    this.#end();
  }

  /** Sends nothing more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#hasBegun = true;
    this.#first = undefined;
  }

  // By events: an iterator would join all that waits into one piece, at the price of a copy.
  async #follow(body: Readable): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onData = (piece: Uint8Array): void => {
      if (this.#link.isAnswered) resolve();
      else if (!this.#push(piece)) {
        body.pause();
        void this.#link.drained().then(() => body.resume());
      }
    };
    const onClose = (): void => {
      if (!body.readableEnded) reject(body.errored ?? new Error("the source was closed before its end"));
    };
    body.on("data", onData).once("end", resolve).once("error", reject).once("close", onClose);
    if (body.destroyed) onClose();
    try {
      await promise;
    } finally {
      body.off("data", onData).off("end", resolve).off("error", reject).off("close", onClose);
    }
  }

  #push(piece: Uint8Array): boolean {
    // An empty piece would end the body.
    if (piece.length === 0) return true;
    if (!this.#hasBegun && this.#first === undefined && piece.length <= shortBytes) {
      this.#first = piece;
      // The end of a small file is read one turn of the loop after its bytes.
      setImmediate(() => setImmediate(() => this.#begin()));
      return true;
    }
    this.#begin();
    return this.#link.write(`${piece.length.toString(16)}\r\n`, piece, "\r\n");
  }

  #begin(): void {
    if (this.#hasBegun) return;
    const first = this.#first;
    this.stop();
    const head = `${this.#head}transfer-encoding: chunked\r\n\r\n`;
    if (first === undefined) this.#link.write(head);
    else this.#link.write(`${head}${first.length.toString(16)}\r\n`, first, "\r\n");
  }

  #end(): void {
    if (this.#link.isAnswered) return;
    if (this.#hasBegun) {
      this.#link.write("0\r\n\r\n");
      return;
    }
    const first = this.#first;
    this.stop();
    this.#link.write(`${this.#head}content-length: ${first?.length ?? 0}\r\n\r\n`, ...(first === undefined ? [] : [first]));
  }
}
