import { connect, isIP, type Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { type AnswerHead, AnswerHeadReader } from "./answer-head.ts";
import { giveBack, smallBytes, takeBuffer } from "./read-buffers.ts";

/** Takes a piece of an answer; the bytes are good until `done` is called, and that has to happen. */
export type Sink = (piece: Buffer, done: () => void) => void;

/** As many pieces are on their way to a sink before nothing more is read. */
const mostUnderWay = 2;
/** What waits on its way out before whoever sends has to wait. */
const mostWaitingBytes = 512 * 1024;
/** No answer and no byte for so long: the other side hangs. */
const silenceMs = 300_000;

/** Where a server is. */
export interface LinkTarget {
  readonly host: string;
  readonly port: number;
  readonly isSecure: boolean;
}

interface Exchange {
  readonly answer: PromiseWithResolvers<AnswerHead>;
  readonly body: PromiseWithResolvers<void>;
  /** Bytes of the body that have not come yet; negative before its head has. */
  missing: number;
  /** Pieces that the sink has and is not done with. */
  underWay: number;
  sink: Sink | undefined;
  /** What came with the head, before there was a sink. */
  early: Buffer | undefined;
}

/**
 * A connection to another process of ours that speaks HTTP/1.1: one exchange after another. What it reads goes to a sink in the very buffers
 * that the system filled, a large one at a time, and no stream is between.
 */
export class ByteLink {
  readonly #socket: Socket;
  #buffer: Buffer;
  #reader = new AnswerHeadReader();
  #exchange: Exchange | undefined;
  #isHeld = false;
  #isKept = true;

  constructor({ host, port, isSecure }: LinkTarget) {
    this.#buffer = takeBuffer(0);
    // Sockets are streams and take `highWaterMark`, though the types do not say so.
    const options = {
      host,
      port,
      highWaterMark: mostWaitingBytes,
      noDelay: true,
      onread: {
        buffer: () => this.#nextBuffer(),
        callback: (count: number, buffer: Uint8Array) => this.#take(Buffer.from(buffer.buffer, buffer.byteOffset, count)),
      },
    };
    this.#socket = isSecure ? connectSecurely({ ...options, ...(isIP(host) === 0 ? { servername: host } : {}) }) : connect(options);
    this.#socket.setTimeout(silenceMs, () => this.destroy(new Error("the other side fell silent")));
    this.#socket.on("error", (error) => this.destroy(error));
    this.#socket.on("close", () => this.destroy(new Error("the connection was closed")));
  }

  /** Whether another exchange can begin. */
  get isFree(): boolean {
    return this.#exchange === undefined && this.#isKept && !this.#socket.destroyed && this.#socket.writableLength === 0;
  }

  /** Whether the answer to the exchange under way has begun: what is still to be sent is not wanted any more. */
  get isAnswered(): boolean {
    return this.#exchange === undefined || this.#exchange.missing >= 0;
  }

  /** Begins an exchange; what is written from now on is the request. Resolves with the head of its answer. */
  begin(): Promise<AnswerHead> {
    const exchange: Exchange = { answer: Promise.withResolvers(), body: Promise.withResolvers(), missing: -1, underWay: 0, sink: undefined, early: undefined };
    exchange.body.promise.catch(() => undefined);
    this.#exchange = exchange;
    if (this.#socket.destroyed) exchange.answer.reject(new Error("the connection is closed"));
    return exchange.answer.promise;
  }

  /** Whether more may be written at once; otherwise `drained` says when. */
  write(...pieces: readonly (string | Uint8Array)[]): boolean {
    if (this.#socket.destroyed) return true;
    this.#socket.cork();
    let hasRoom = true;
    for (const piece of pieces) hasRoom = typeof piece === "string" ? this.#socket.write(piece, "latin1") : this.#socket.write(piece);
    this.#socket.uncork();
    return hasRoom;
  }

  /** Resolves when more may be written, or the connection is gone. */
  async drained(): Promise<void> {
    if (this.#socket.destroyed || !this.#socket.writableNeedDrain) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once("drain", resolve).once("close", resolve);
    await promise;
    this.#socket.off("drain", resolve).off("close", resolve);
  }

  /** Sends the answer's body to a sink; resolves once it has all of it. */
  async receive(sink: Sink): Promise<void> {
    const exchange = this.#exchange;
    // It came whole with its head, and was empty.
    if (exchange === undefined) return;
    exchange.sink = sink;
    const { early } = exchange;
    exchange.early = undefined;
    if (early !== undefined) this.#pass(exchange, early);
    this.#resume();
    await exchange.body.promise;
  }

  /** Whether an idle connection keeps the process alive. */
  hold(isHeld: boolean): void {
    if (isHeld) this.#socket.ref();
    else this.#socket.unref();
  }

  /** The connection is not used again after this exchange. */
  spoil(): void {
    this.#isKept = false;
  }

  /** Ends it; whatever is under way fails with this error. */
  destroy(error: Error): void {
    this.#socket.destroy();
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#exchange = undefined;
    exchange.answer.reject(error);
    exchange.body.reject(error);
  }

  // False: nothing more is read for the time being.
  #take(piece: Buffer): boolean {
    const exchange = this.#exchange;
    if (exchange === undefined) {
      this.destroy(new Error("bytes that nobody asked for"));
      return true;
    }
    if (exchange.missing >= 0) {
      this.#pass(exchange, piece);
      return this.#mayRead();
    }
    try {
      const found = this.#reader.feed(piece);
      if (found === undefined) return true;
      const { head, rest } = found;
      if (rest.length > head.length) throw new Error("more bytes than its length says");
      if (!head.isKept) this.#isKept = false;
      exchange.missing = head.length;
      // A copy: the head's buffer is read into again.
      if (rest.length > 0) exchange.early = Buffer.from(rest);
      if (head.length === 0) this.#finish(exchange);
      exchange.answer.resolve(head);
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
    return this.#mayRead();
  }

  #pass(exchange: Exchange, piece: Buffer): void {
    const { sink } = exchange;
    if (sink === undefined || piece.length > exchange.missing) {
      this.destroy(new Error("more bytes than its length says"));
      return;
    }
    exchange.missing -= piece.length;
    const isLast = exchange.missing === 0;
    const lent = this.#lend(piece);
    exchange.underWay += 1;
    sink(lent.piece, () => {
      exchange.underWay -= 1;
      if (lent.buffer !== undefined) giveBack(lent.buffer);
      this.#resume();
    });
    if (isLast) this.#finish(exchange);
  }

  // A small piece is copied out of the buffer; a buffer that is well filled goes along with its bytes.
  #lend(piece: Buffer): { readonly piece: Buffer; readonly buffer: Buffer | undefined } {
    const buffer = this.#buffer;
    if (piece.buffer !== buffer.buffer) return { piece, buffer: undefined };
    if (piece.length < buffer.length / 4) return { piece: Buffer.from(piece), buffer: undefined };
    this.#buffer = takeBuffer(this.#exchange?.missing ?? 0);
    return { piece, buffer };
  }

  #finish(exchange: Exchange): void {
    if (this.#exchange === exchange) this.#exchange = undefined;
    exchange.body.resolve();
    if (!this.#isKept) this.#socket.destroy();
  }

  #mayRead(): boolean {
    const exchange = this.#exchange;
    // What came whole with its head takes no turn of the loop more than it needs.
    const waits = exchange !== undefined && exchange.sink === undefined && exchange.missing > (exchange.early?.length ?? 0);
    this.#isHeld = waits || (exchange !== undefined && exchange.underWay >= mostUnderWay);
    return !this.#isHeld;
  }

  #resume(): void {
    if (!this.#isHeld || !this.#mayRead()) return;
    this.#socket.resume();
  }

  // Asked for after each read.
  #nextBuffer(): Buffer {
    const missing = this.#exchange?.missing ?? 0;
    const isLarge = this.#buffer.length > smallBytes;
    if (isLarge !== missing > smallBytes) {
      giveBack(this.#buffer);
      this.#buffer = takeBuffer(missing);
    }
    return this.#buffer;
  }
}
