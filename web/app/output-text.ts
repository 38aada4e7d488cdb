/** A piece of output as the server tells it. */
export interface OutputPiece {
  readonly offset: number;
  readonly next: number;
  readonly text: string;
  /** Bytes before it that were not kept. */
  readonly skipped: number;
}

/** What of an output stands on the page. */
export interface Output {
  readonly text: string;
  /** Where to go on, in bytes that the program wrote. */
  readonly next: number;
  /** Bytes that the page leaves out at the beginning. */
  readonly before: number;
}

export const emptyOutput: Output = { text: "", next: 0, before: 0 };

/** Characters kept on the page; older ones are in the download. */
export const keptCharacters = 1_000_000;

/** Adds a piece. One that lies before what is known is the output of a new attempt: the page begins anew. */
export function addOutput(known: Output, piece: OutputPiece): Output {
  const output = piece.offset < known.next ? emptyOutput : known;
  const isFirst = output.text === "" && output.next === 0;
  const before = isFirst ? piece.offset - piece.skipped : output.before;
  const gap = piece.skipped > 0 ? `\n[… ${piece.skipped} bytes were not kept …]\n` : "";
  const text = `${output.text}${gap}${piece.text}`;
  return { text: text.length > keptCharacters ? text.slice(text.length - keptCharacters) : text, next: piece.next, before };
}
