/** A table for people: the first row names the columns. */
export type Table = readonly (readonly string[])[];

/** The table as Markdown. */
export function markdown(table: Table): string {
  const [head = [], ...rows] = table;
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** The value below which a share of all values lies; 0 for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Milliseconds with one digit: median, and the 95th of a hundred. */
export function medianAndTail(values: readonly number[]): readonly [string, string] {
  return [quantile(values, 0.5).toFixed(1), quantile(values, 0.95).toFixed(1)];
}
