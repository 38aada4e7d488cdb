export interface TextState {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** A replacement of part of the text, and where the selection is afterwards. */
export interface TextEdit {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
  readonly start: number;
  readonly end: number;
}

/** What one level of indentation is in this text: a tab, or two or four spaces. */
export function indentOf(text: string): string {
  const found = /^(\t| {2,8})\S/m.exec(text)?.[1];
  if (found === undefined) return "  ";
  return found === "\t" ? "\t" : found.length >= 4 && !/^ {2}\S/m.test(text) ? "    " : "  ";
}

/** Tab: indents the selected lines, or fills up to the next stop. */
export function indent({ text, start, end }: TextState): TextEdit {
  const unit = indentOf(text);
  if (!text.slice(start, end).includes("\n")) return { from: start, to: end, insert: unit, start: start + unit.length, end: start + unit.length };
  const from = lineStart(text, start);
  const lines = text.slice(from, end).split("\n");
  const insert = lines.map((line, index) => (line === "" || (index === lines.length - 1 && line === "") ? line : unit + line)).join("\n");
  return { from, to: end, insert, start: start + (insert.startsWith(unit) ? unit.length : 0), end: from + insert.length };
}

/** Shift-Tab: takes one level of indentation from every line that the selection touches. */
export function outdent({ text, start, end }: TextState): TextEdit {
  const unit = indentOf(text);
  const from = lineStart(text, start);
  const lines = text.slice(from, end).split("\n");
  const level = new RegExp(unit === "\t" ? "^\\t" : `^(?: {1,${unit.length}}|\\t)`);
  // The first line's indentation may lie before the selection's end as a whole, or partly behind it.
  const rest = text.slice(end, lineEnd(text, end));
  const last = lines.length - 1;
  const whole = lines.map((line, index) => (index === last ? line + rest : line));
  const out = whole.map((line) => line.replace(level, ""));
  const insert = out.join("\n");
  const cut = (index: number): number => (whole[index]?.length ?? 0) - (out[index]?.length ?? 0);
  const removed = whole.reduce((sum, _, index) => sum + cut(index), 0);
  return { from, to: end + rest.length, insert, start: Math.max(from, start - cut(0)), end: Math.max(from, end - removed) };
}

/** Enter: the new line starts where the one before it did. */
export function newLine({ text, start, end }: TextState): TextEdit {
  const before = text.slice(lineStart(text, start), start);
  const insert = `\n${/^[ \t]*/.exec(before)?.[0] ?? ""}`;
  return { from: start, to: end, insert, start: start + insert.length, end: start + insert.length };
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf("\n", at - 1) + 1;
}
function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end === -1 ? text.length : end;
}
