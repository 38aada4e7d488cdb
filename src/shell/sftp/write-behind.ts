import type { FilePath, RemoteFiles } from "#kit/door/remote-files.ts";
import { ByteQueue } from "./byte-queue.ts";
import { WriteOrder } from "./write-order.ts";

/** How the first bytes of an opened file are written. */
export type WriteMode =
  /** Whole, once everything has arrived: the file of before stays until then. */
  | "replace"
  /** Into a new file, which is seen as it grows. */
  | "create"
  /** In place. */
  | "patch";

/** As much may come too early before the stream that waits for what is missing is given up. */
const mostEarlyBytes = 8 * 1024 * 1024;

/** The orchestrator takes a stream for dead in which nothing came for a minute. */
const usualRestMs = 20_000;

interface Upload {
  readonly queue: ByteQueue;
  readonly abort: AbortController;
  readonly done: Promise<unknown>;
}

/**
 * Writes a file behind the client's back: a piece is taken as soon as there is room for it, goes on its way in one stream with those
 * after it, and what goes wrong is told with the next piece or at the end.
 */
export class WriteBehind {
  readonly #files: RemoteFiles;
  readonly #file: FilePath;
  readonly #isAppending: boolean;
  readonly #restMs: number;
  #mode: WriteMode;
  #order: WriteOrder;
  #size: number;
  #upload: Upload | undefined;
  #rest: NodeJS.Timeout | undefined;
  #settling: Promise<void> | undefined;
  #error: unknown;

  constructor(options: {
    readonly files: RemoteFiles;
    readonly file: FilePath;
    readonly mode: WriteMode;
    readonly size: number;
    readonly isAppending: boolean;
    readonly restMs?: number;
  }) {
    this.#files = options.files;
    this.#file = options.file;
    this.#mode = options.mode;
    this.#isAppending = options.isAppending;
    this.#restMs = options.restMs ?? usualRestMs;
    this.#size = options.mode === "patch" ? options.size : 0;
    this.#order = new WriteOrder(options.isAppending ? this.#size : 0, mostEarlyBytes);
  }

  /** How long the file is with what was written. */
  get size(): number {
    return Math.max(this.#size, this.#order.position, this.#order.end);
  }

  /** Takes a piece; waits while too much is under way. @throws what went wrong with this or an earlier piece. */
  async write(offset: number, data: Buffer): Promise<void> {
    await this.#awake();
    try {
      await this.#place(offset, data);
    } finally {
      this.#rest = setTimeout(() => this.#settle(), this.#restMs).unref();
    }
  }

  /** Waits until everything that was written has arrived and is on the disk. @throws what went wrong. */
  async flush(): Promise<void> {
    await this.#awake();
    await this.#flush();
  }

  /** What is told of the length from now on: the file was cut off or made longer. */
  resized(size: number): void {
    this.#size = size;
    this.#order = new WriteOrder(this.#isAppending ? size : Math.min(this.#order.position, size), mostEarlyBytes);
  }

  /** Gives up: a replacement does not take place, what went into the file in place stays. */
  abandon(): void {
    clearTimeout(this.#rest);
    const upload = this.#upload;
    if (upload === undefined) return;
    if (this.#mode === "replace") upload.abort.abort(new Error("the file was not closed"));
    else upload.queue.end();
  }

  // A client may hold a file open for hours: a stream in which nothing comes is ended before the other side takes it for dead.
  #settle(): void {
    if (this.#mode !== "replace") this.#settling = this.#finish().catch(() => undefined);
  }

  async #awake(): Promise<void> {
    clearTimeout(this.#rest);
    await this.#settling;
  }

  async #place(offset: number, data: Buffer): Promise<void> {
    this.#throwError();
    const at = this.#isAppending ? this.#order.position : offset;
    // Nothing is under way: the next stream may begin anywhere in the file.
    if (at !== this.#order.position && this.#upload === undefined && !this.#order.hasGap && at <= this.#size && this.#mode === "patch") this.#begin(at);
    const start = this.#order.position;
    const placement = this.#order.place(at, data);
    if (placement.kind === "early") return;
    if (placement.kind === "next") {
      for (const piece of placement.pieces) await this.#send(piece, start);
      return;
    }
    await this.#flush();
    await this.#writeAt(at, data);
  }

  async #flush(): Promise<void> {
    this.#throwError();
    const early = this.#order.takeEarly();
    // A file that is made or emptied by opening it is there with its first stream, though that brings nothing.
    if (this.#upload === undefined && this.#mode !== "patch") this.#start(0);
    await this.#finish();
    for (const [offset, data] of early) await this.#writeAt(offset, data);
    await this.#finish();
  }

  // Somewhere else in the file; what lies between its end and there becomes zeros, as on a disk.
  async #writeAt(offset: number, data: Buffer): Promise<void> {
    if (offset !== this.#order.position) {
      await this.#finish();
      if (offset > this.#size) {
        await this.#files.resize(this.#file, offset);
        this.#size = offset;
      }
      this.#begin(offset);
    }
    await this.#place(offset, data);
  }

  #begin(position: number): void {
    this.#order = new WriteOrder(position, mostEarlyBytes);
  }

  async #send(piece: Buffer, start: number): Promise<void> {
    const upload = this.#upload ?? this.#start(start);
    await upload.queue.push(piece);
    this.#throwError();
  }

  #start(offset: number): Upload {
    const queue = new ByteQueue();
    const abort = new AbortController();
    const body = { ...this.#file, body: queue, signal: abort.signal };
    const sent = this.#mode === "replace" ? this.#files.replace(body) : this.#files.patch(body, this.#mode === "create" ? { absent: true } : { offset });
    const done = sent.catch((error: unknown) => {
      this.#error ??= error;
      queue.fail();
    });
    this.#upload = { queue, abort, done };
    return this.#upload;
  }

  async #finish(): Promise<void> {
    const upload = this.#upload;
    if (upload === undefined) return this.#throwError();
    upload.queue.end();
    await upload.done;
    this.#throwError();
    this.#size = this.size;
    this.#upload = undefined;
    this.#mode = "patch";
  }

  #throwError(): void {
    if (this.#error !== undefined) throw this.#error;
  }
}
