/** Longest command line in bytes, its end not counted. */
export const maxLineBytes = 4096;

/** One line of the control connection. */
export type Line = { readonly kind: "line"; readonly text: string } | { readonly kind: "too-long" } | { readonly kind: "not-utf8" };

const lineFeed = 0x0a;
const interpretAsCommand = 0xff;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Cuts a control connection into lines, however it was cut into packets. It never holds more than one line of the greatest length:
 * what is longer is thrown away up to its end and told once.
 */
export class LineReader {
  #parts: Uint8Array[] = [];
  #length = 0;
  #isOverlong = false;

  /** Takes what has arrived, and gives the lines that are complete now. */
  feed(chunk: Uint8Array): readonly Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      this.#keep(chunk.subarray(start, end));
      lines.push(this.#take());
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
    return lines;
  }

  /** Forgets what is incomplete: it came before TLS. */
  reset(): void {
    this.#parts = [];
    this.#length = 0;
    this.#isOverlong = false;
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0 || this.#isOverlong) return;
    // One more for the carriage return.
    if (this.#length + part.length > maxLineBytes + 1) {
      this.reset();
      this.#isOverlong = true;
      return;
    }
    // A copy: a small rest must not keep the whole packet alive.
    this.#parts.push(Uint8Array.from(part));
    this.#length += part.length;
  }

  #take(): Line {
    const bytes = Buffer.concat(this.#parts);
    const isOverlong = this.#isOverlong;
    this.reset();
    if (isOverlong) return { kind: "too-long" };
    const plain = withoutTelnet(bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes);
    try {
      return { kind: "line", text: decoder.decode(plain) };
    } catch {
      // A name that is not valid UTF-8 is nobody's here.
      return { kind: "not-utf8" };
    }
  }
}

// Clients send ABOR after Telnet's "interrupt process" and "data mark" (RFC 959, 4.1.3): IAC IP IAC DM. No UTF-8 has these bytes.
function withoutTelnet(line: Uint8Array): Uint8Array {
  if (!line.includes(interpretAsCommand) && line[0] !== 0xf2) return line;
  let start = 0;
  while (start < line.length && (line[start] === interpretAsCommand || line[start] === 0xf4 || line[start] === 0xf2)) start += 1;
  return line.subarray(start);
}
