/** What is typed comes back byte by byte: pieces of their own would cost a hundred times what they hold. */
const blockBytes = 16 * 1024;

/**
 * The last bytes of what a terminal has shown, by their place in all of it: whoever comes back goes on exactly where it left. What it
 * holds is bounded; the oldest goes first.
 */
export class ScrollBack {
  readonly #mostBytes: number;
  /** All but the last one are full. */
  readonly #blocks: Uint8Array[] = [];
  #start = 0;
  #end = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Place of the first byte that is kept. */
  get start(): number {
    return this.#start;
  }

  /** How many bytes there were in all. */
  get end(): number {
    return this.#end;
  }

  append(bytes: Uint8Array): void {
    for (let rest = bytes; rest.length > 0; ) {
      const filled = this.#end % blockBytes;
      if (filled === 0) this.#blocks.push(new Uint8Array(blockBytes));
      const piece = rest.subarray(0, blockBytes - filled);
      this.#blocks.at(-1)?.set(piece, filled);
      this.#end += piece.length;
      rest = rest.subarray(piece.length);
    }
    while (this.#end - this.#start - blockBytes >= this.#mostBytes) {
      this.#blocks.shift();
      this.#start += blockBytes;
    }
  }

  /** A piece of what there is from a place on; empty at the end, and the oldest that is left when the place itself is gone. */
  read(from: number): { readonly offset: number; readonly bytes: Uint8Array } {
    const offset = Math.min(Math.max(from, this.#start), this.#end);
    const blockStart = offset - (offset % blockBytes);
    const block = this.#blocks[(blockStart - this.#start) / blockBytes];
    return { offset, bytes: block?.subarray(offset - blockStart, Math.min(blockBytes, this.#end - blockStart)) ?? new Uint8Array(0) };
  }
}
