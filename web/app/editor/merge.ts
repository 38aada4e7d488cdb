import { diffLines } from "../line-diff.ts";

/** A stretch of lines of the base, and what one side made of it. */
interface Hunk {
  readonly from: number;
  readonly to: number;
  readonly lines: readonly string[];
}

/**
 * Joins two changes of one text line by line, as `diff3` does; null when both changed the same lines, or lines that touch,
 * differently: then only a person can tell what is meant.
 */
export function mergeTexts(base: string, mine: string, theirs: string): string | null {
  const lines = base.split("\n");
  const left = hunksOf(base, mine);
  const right = hunksOf(base, theirs);
  const merged: string[] = [];
  let at = 0;
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    const [a, b] = [left[i], right[j]];
    const isSame = a !== undefined && b !== undefined && sameHunk(a, b);
    if (a !== undefined && b !== undefined && !isSame && a.from <= b.to && b.from <= a.to) return null;
    const next = b === undefined || (a !== undefined && a.from <= b.from) ? a : b;
    if (next === undefined) break;
    merged.push(...lines.slice(at, next.from), ...next.lines);
    at = next.to;
    if (isSame || next === a) i++;
    if (isSame || next === b) j++;
  }
  return [...merged, ...lines.slice(at)].join("\n");
}

function sameHunk(a: Hunk, b: Hunk): boolean {
  return a.from === b.from && a.to === b.to && a.lines.length === b.lines.length && a.lines.every((line, index) => line === b.lines[index]);
}

function hunksOf(base: string, changed: string): readonly Hunk[] {
  const hunks: { from: number; to: number; lines: string[] }[] = [];
  let at = 0;
  let open: (typeof hunks)[number] | null = null;
  for (const { kind, text } of diffLines(base, changed)) {
    if (kind === "same") {
      open = null;
      at++;
      continue;
    }
    if (open === null) {
      open = { from: at, to: at, lines: [] };
      hunks.push(open);
    }
    if (kind === "mine") open.lines.push(text);
    else open.to = ++at;
  }
  return hunks;
}
