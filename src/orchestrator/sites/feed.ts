/** What a feed holds at most while its reader is slow. */
export interface FeedLimits {
  readonly items: number;
  /** Sum of the items' lengths. */
  readonly length: number;
}

/** A queue of texts with one reader; a slow reader loses the oldest, is told how many, and gets the newest. */
export class Feed {
  readonly #limits: FeedLimits;
  readonly #skippedNote: (count: number) => string;
  #items: string[] = [];
  #length = 0;
  #skipped = 0;
  #isEnded = false;
  #wake: (() => void) | null = null;

  constructor(limits: FeedLimits, skippedNote: (count: number) => string) {
    this.#limits = limits;
    this.#skippedNote = skippedNote;
  }

  push(item: string): void {
    if (this.#isEnded) return;
    this.#items.push(item);
    this.#length += item.length;
    while (this.#items.length > this.#limits.items || (this.#length > this.#limits.length && this.#items.length > 1)) {
      this.#length -= this.#items.shift()?.length ?? 0;
      this.#skipped += 1;
    }
    this.#notify();
  }

  /** Nothing more is read after this, not even what waits. */
  end(): void {
    this.#isEnded = true;
    this.#items = [];
    this.#notify();
  }

  async *read(): AsyncGenerator<string> {
    try {
      while (!this.#isEnded) {
        if (this.#items.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
        if (this.#skipped > 0) {
          const note = this.#skippedNote(this.#skipped);
          this.#skipped = 0;
          yield note;
        }
        // Joined, so that a burst of short lines is one write.
        const batch = this.#items.join("");
        this.#items = [];
        this.#length = 0;
        if (batch !== "") yield batch;
      }
    } finally {
      this.end();
    }
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
