import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** How much of a program's output is taken. */
export interface OutputBounds {
  /** What one stream may send within a window; beyond it the pipe is left full, which halts the program until the next window. */
  readonly bytesPerWindow: number;
  readonly windowMs: number;
  /** A longer line is broken. */
  readonly lineCharacters: number;
}

export const defaultOutputBounds: OutputBounds = { bytesPerWindow: 256 * 1024, windowMs: 100, lineCharacters: 16 * 1024 };

/** Hands on what a program prints, as text; resolves when every holder of the pipe has closed it. */
export function readProgramOutput(stream: Readable, onText: (text: string) => void, bounds: OutputBounds = defaultOutputBounds): Promise<void> {
  const decoder = new StringDecoder("utf8");
  const lines = new LineBreaker(bounds.lineCharacters);
  let taken = 0;
  let pause: NodeJS.Timeout | null = null;
  let windowEnds = 0;
  stream.on("data", (chunk: Buffer) => {
    const now = performance.now();
    if (now >= windowEnds) {
      windowEnds = now + bounds.windowMs;
      taken = 0;
    }
    taken += chunk.length;
    if (taken >= bounds.bytesPerWindow && pause === null) {
      stream.pause();
      pause = setTimeout(() => {
        pause = null;
        stream.resume();
      }, windowEnds - now);
    }
    const text = lines.take(decoder.write(chunk));
    if (text !== "") onText(text);
  });
  return new Promise((resolve) => {
    // A pipe that breaks has ended like any other.
    stream.on("error", () => stream.destroy());
    stream.once("close", () => {
      if (pause !== null) clearTimeout(pause);
      const rest = decoder.end();
      if (rest !== "") onText(rest);
      resolve();
    });
  });
}

/** Puts a newline into lines that grow too long, so that nobody further on has to hold one. */
class LineBreaker {
  readonly #limit: number;
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  take(text: string): string {
    const lastBreak = text.lastIndexOf("\n");
    if (lastBreak === -1 && this.#length + text.length <= this.#limit) {
      this.#length += text.length;
      return text;
    }
    let result = "";
    for (const piece of text.split(/(?<=\n)/)) {
      const isWhole = piece.endsWith("\n");
      let rest = isWhole ? piece.slice(0, -1) : piece;
      while (this.#length + rest.length > this.#limit) {
        const fits = this.#limit - this.#length;
        result += `${rest.slice(0, fits)}\n`;
        rest = rest.slice(fits);
        this.#length = 0;
      }
      result += isWhole ? `${rest}\n` : rest;
      this.#length = isWhole ? 0 : this.#length + rest.length;
    }
    return result;
  }
}
