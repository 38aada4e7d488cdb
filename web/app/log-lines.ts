import { z } from "zod";

/** One line of a program's output, as `readLogs` streams it. */
export const logLine = z.object({ line: z.string(), at: z.string(), stream: z.string() });
export type LogLine = z.output<typeof logLine>;
export interface NumberedLine extends LogLine {
  readonly id: number;
}

/** Lines kept in the page; older ones are in the download. */
export const keptLines = 3000;

/**
 * Adds lines, leaving out those that a reconnect repeats. There is no cursor in the API, so lines are compared: what is
 * older than `until`, the newest line kept when the connection was lost, is known; so is what equals a line of that moment.
 */
export function mergeLines(kept: readonly NumberedLine[], incoming: readonly LogLine[], until: string | null): readonly NumberedLine[] {
  if (until === null) return append(kept, incoming);
  const known = new Map<string, number>();
  for (const line of kept) if (line.at === until) known.set(line.line, (known.get(line.line) ?? 0) + 1);
  const fresh = incoming.filter((line) => {
    if (line.at !== until) return line.at > until;
    const times = known.get(line.line) ?? 0;
    if (times > 0) known.set(line.line, times - 1);
    return times === 0;
  });
  return append(kept, fresh);
}

/** Adds lines at the end and drops the oldest beyond the limit. */
function append(kept: readonly NumberedLine[], fresh: readonly LogLine[]): readonly NumberedLine[] {
  if (fresh.length === 0) return kept;
  const next = (kept.at(-1)?.id ?? 0) + 1;
  return [...kept, ...fresh.map((line, index) => ({ ...line, id: next + index }))].slice(-keptLines);
}

/** Lines that hold the text, whatever the case. */
export function searchLines(lines: readonly NumberedLine[], text: string): readonly NumberedLine[] {
  const wanted = text.trim().toLowerCase();
  return wanted === "" ? lines : lines.filter(({ line }) => line.toLowerCase().includes(wanted));
}

/** Which lines are looked at, and what each choice is called. */
export const lineKinds = ["all", "program", "problems", "platform", "router"] as const;
export type LineKind = (typeof lineKinds)[number];
export const kindWords: Readonly<Record<LineKind, string>> = {
  all: "All lines",
  program: "Only the program",
  problems: "Only problems",
  platform: "Only Backlot",
  router: "Only visitors' errors",
};
const streamsOf: Readonly<Record<Exclude<LineKind, "all">, readonly string[]>> = {
  program: ["stdout", "stderr"],
  problems: ["stderr", "router"],
  platform: ["platform"],
  router: ["router"],
};

export function linesOfKind(lines: readonly NumberedLine[], kind: LineKind): readonly NumberedLine[] {
  return kind === "all" ? lines : lines.filter(({ stream }) => streamsOf[kind].includes(stream));
}
