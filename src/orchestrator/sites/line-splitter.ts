/** Longest line that is kept, in characters. */
export const maxLineLength = 16 * 1024;

/** Turns text as it comes into lines; a line without an end waits for it, a line that is too long is cut. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  #partial = "";
  #isCutting = false;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(text: string): void {
    let start = 0;
    while (true) {
      const end = text.indexOf("\n", start);
      if (end === -1) break;
      this.#add(text.slice(start, end));
      this.#finish();
      start = end + 1;
    }
    if (start < text.length) this.#add(text.slice(start));
  }

  /** Gives out a last line that has no end. */
  end(): void {
    if (this.#partial !== "") this.#finish();
  }

  #add(part: string): void {
    if (this.#isCutting) return;
    this.#partial += part;
    if (this.#partial.length <= maxLineLength) return;
    this.#onLine(`${this.#partial.slice(0, maxLineLength)}… (cut)`);
    this.#isCutting = true;
  }

  #finish(): void {
    if (!this.#isCutting) this.#onLine(this.#partial.endsWith("\r") ? this.#partial.slice(0, -1) : this.#partial);
    this.#partial = "";
    this.#isCutting = false;
  }
}
