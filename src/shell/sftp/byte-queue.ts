/** As much waits on its way before whoever gives more has to wait: enough to keep a fast network busy. */
const mostBytes = 2 * 1024 * 1024;

/** Bytes from one who pushes them to one who iterates over them. */
export class ByteQueue implements AsyncIterable<Uint8Array> {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #state: "open" | "ended" | "failed" = "open";
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  /** Resolves when there is room for more. After a failure it takes everything and forgets it. */
  async push(chunk: Buffer): Promise<void> {
    if (this.#state !== "open") return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#wakeReader?.();
    while (this.#bytes > mostBytes && this.#state === "open") {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakeWriter = resolve;
      await promise;
    }
  }

  /** No more will come. */
  end(): void {
    if (this.#state === "open") this.#state = "ended";
    this.#wakeReader?.();
  }

  /** Nobody reads any more. */
  fail(): void {
    this.#state = "failed";
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (true) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#bytes -= chunk.length;
        this.#wakeWriter?.();
        yield chunk;
      } else if (this.#state !== "open") return;
      else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wakeReader = resolve;
        await promise;
      }
    }
  }
}
