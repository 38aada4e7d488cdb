const escapeByte = 0x1b;
const bell = 0x07;
const mostTitleBytes = 200;

/**
 * Reads along for the title that a program sets: `ESC ] 0 ; title BEL`, or 2 instead of 0, or `ESC \` instead of BEL. A sequence may come
 * in any number of pieces; one that does not end is forgotten.
 */
export class TitleWatch {
  /** What came of a sequence so far; null outside of one. */
  #sequence: number[] | null = null;
  #title: string | null = null;
  #wasEscape = false;

  get title(): string | null {
    return this.#title;
  }

  read(bytes: Uint8Array): void {
    // Most output has no escape in it at all.
    if (this.#sequence === null && !this.#wasEscape && bytes.indexOf(escapeByte) === -1) return;
    for (const byte of bytes) this.#take(byte);
  }

  #take(byte: number): void {
    if (this.#sequence === null) {
      if (this.#wasEscape && byte === 0x5d) this.#sequence = [];
      this.#wasEscape = byte === escapeByte;
      return;
    }
    if (byte === bell || (this.#wasEscape && byte === 0x5c)) {
      this.#finish(this.#sequence);
      this.#sequence = null;
    } else if (byte !== escapeByte) this.#sequence.push(byte);
    this.#wasEscape = byte === escapeByte;
    if (this.#sequence !== null && this.#sequence.length > mostTitleBytes) this.#sequence = null;
  }

  #finish(sequence: readonly number[]): void {
    const title = /^[02];(.*)$/su.exec(Buffer.from(sequence).toString("utf8"))?.[1];
    if (title === undefined) return;
    const clean = title.replace(/\p{C}/gu, "").trim();
    this.#title = clean === "" ? null : clean;
  }
}
