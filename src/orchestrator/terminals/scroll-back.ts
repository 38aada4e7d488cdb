/**
 * The last bytes of what a terminal has shown, by their place in all of it: whoever comes back goes on exactly where it left. What it
 * holds is bounded; the oldest goes first.
 */
export class ScrollBack {
  readonly #mostBytes: number;
  readonly #pieces: Uint8Array[] = [];
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
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#end += bytes.length;
    for (let first = this.#pieces[0]; first !== undefined && this.#end - this.#start - first.length >= this.#mostBytes; first = this.#pieces[0]) {
      this.#pieces.shift();
      this.#start += first.length;
    }
  }

  /** A piece of what there is from a place on; empty at the end, and what is left when the place itself is gone. */
  read(from: number): { readonly offset: number; readonly bytes: Uint8Array } {
    let offset = this.#start;
    for (const piece of this.#pieces) {
      const next = offset + piece.length;
      if (from < next) {
        const skip = Math.max(0, from - offset);
        return { offset: offset + skip, bytes: piece.subarray(skip) };
      }
      offset = next;
    }
    return { offset: this.#end, bytes: new Uint8Array(0) };
  }
}
