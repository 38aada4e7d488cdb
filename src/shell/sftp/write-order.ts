/** What becomes of a piece that a client writes. */
export type Placement =
  /** Goes on where the last one ended; `pieces` are it and those that had come too early. */
  | { readonly kind: "next"; readonly pieces: readonly Buffer[] }
  /** Came too early, and waits. */
  | { readonly kind: "early" }
  /** Goes back to where something was written already. */
  | { readonly kind: "back" }
  /** More would wait than may. */
  | { readonly kind: "too-far" };

/** As many pieces may wait, however short they are. */
const mostPieces = 1024;

/** Puts pieces in order that a client writes without waiting for each to be done. */
export class WriteOrder {
  readonly #mostBytes: number;
  readonly #early = new Map<number, Buffer>();
  #waiting = 0;
  #position: number;

  constructor(position: number, mostBytes: number) {
    this.#position = position;
    this.#mostBytes = mostBytes;
  }

  /** Where the next piece belongs. */
  get position(): number {
    return this.#position;
  }

  /** Whether pieces wait for one before them. */
  get hasGap(): boolean {
    return this.#early.size > 0;
  }

  /** Where the last piece ends, those that wait too. */
  get end(): number {
    return Math.max(this.#position, ...[...this.#early].map(([offset, data]) => offset + data.length));
  }

  place(offset: number, data: Buffer): Placement {
    if (offset < this.#position) return { kind: "back" };
    if (offset > this.#position) {
      // Two pieces that overlap count in the order in which they came, which only the file itself keeps.
      if (this.#waiting + data.length > this.#mostBytes || this.#early.size >= mostPieces || this.#overlaps(offset, data)) return { kind: "too-far" };
      this.#waiting += data.length;
      this.#early.set(offset, data);
      return { kind: "early" };
    }
    if (this.#overlaps(offset, data)) return { kind: "too-far" };
    const pieces: Buffer[] = [];
    for (let next: Buffer | undefined = data; next !== undefined; next = this.#take(this.#position)) {
      if (next.length > 0) pieces.push(next);
      this.#position += next.length;
      if (next.length === 0) break;
    }
    return { kind: "next", pieces };
  }

  /** The pieces that came too early, by their offset; they wait no longer. */
  takeEarly(): readonly (readonly [number, Buffer])[] {
    const early = [...this.#early].sort(([a], [b]) => a - b);
    this.#early.clear();
    this.#waiting = 0;
    return early;
  }

  #take(offset: number): Buffer | undefined {
    const data = this.#early.get(offset);
    if (data === undefined) return undefined;
    this.#early.delete(offset);
    this.#waiting -= data.length;
    return data;
  }

  #overlaps(offset: number, data: Buffer): boolean {
    for (const [start, piece] of this.#early) if (start < offset + data.length && offset < start + piece.length) return true;
    return false;
  }
}
