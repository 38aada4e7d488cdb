export interface DiffLine {
  readonly kind: "same" | "mine" | "theirs";
  readonly text: string;
}

/** Most cells of the table of the comparison; beyond it everything between the first and last difference counts as changed. */
const maxCells = 4_000_000;

/** Compares two texts line by line, with as few changed lines as possible (longest common subsequence). */
export function diffLines(theirs: string, mine: string): readonly DiffLine[] {
  const a = theirs.split("\n");
  const b = mine.split("\n");
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const same = (lines: readonly string[]): DiffLine[] => lines.map((text) => ({ kind: "same", text }));
  const middle = diffMiddle(a.slice(start, a.length - end), b.slice(start, b.length - end));
  return [...same(a.slice(0, start)), ...middle, ...same(a.slice(a.length - end))];
}

function diffMiddle(a: readonly string[], b: readonly string[]): readonly DiffLine[] {
  const result: DiffLine[] = [];
  const width = b.length + 1;
  const isSmall = (a.length + 1) * width <= maxCells;
  const common = isSmall ? commonLengths(a, b) : new Uint32Array(0);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (isSmall && i < a.length && j < b.length && a[i] === b[j]) {
      result.push({ kind: "same", text: a[i] ?? "" });
      i++;
      j++;
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1))) result.push({ kind: "theirs", text: a[i++] ?? "" });
    else result.push({ kind: "mine", text: b[j++] ?? "" });
  }
  return result;
}

/** Cell (i, j): length of the longest common subsequence of `a` from i on and `b` from j on. */
function commonLengths(a: readonly string[], b: readonly string[]): Uint32Array {
  const width = b.length + 1;
  const cells = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const below = cells[(i + 1) * width + j] ?? 0;
      const right = cells[i * width + j + 1] ?? 0;
      cells[i * width + j] = a[i] === b[j] ? (cells[(i + 1) * width + j + 1] ?? 0) + 1 : Math.max(below, right);
    }
  }
  return cells;
}
