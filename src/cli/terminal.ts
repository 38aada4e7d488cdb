import { once } from "node:events";

/** Where a command reads and writes: results on `out`, everything said on the way on `err`. */
export interface Terminal {
  readonly input: NodeJS.ReadStream;
  readonly isInputTty: boolean;
  readonly isOutTty: boolean;
  readonly isErrTty: boolean;
  readonly columns: number;
  /** Writes a result; resolves when the pipe has room again. */
  out(chunk: string | Uint8Array): Promise<void>;
  err(text: string): void;
  /** Calls back at Ctrl-C instead of ending the process, until the returned function is called. */
  onInterrupt(listener: () => void): () => void;
}

/** The terminal that this process was started on. */
export function processTerminal(): Terminal {
  // `backlot logs … | head` closes the pipe: that is the reader's wish, not an error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  return {
    input: process.stdin,
    isInputTty: process.stdin.isTTY === true,
    isOutTty: process.stdout.isTTY === true,
    isErrTty: process.stderr.isTTY === true,
    columns: process.stderr.columns ?? 80,
    out: async (chunk) => {
      if (!process.stdout.write(chunk)) await once(process.stdout, "drain");
    },
    err: (text) => void process.stderr.write(text),
    onInterrupt: (listener) => {
      process.on("SIGINT", listener);
      return () => process.off("SIGINT", listener);
    },
  };
}

/** Colours a text, or leaves it as it is. */
export interface Style {
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  dim(text: string): string;
  bold(text: string): string;
}

/** Colours only for a terminal, and only while nobody set NO_COLOR (no-color.org). */
export function styleFor(isTty: boolean, noColor: string | undefined): Style {
  const hasColour = isTty && (noColor === undefined || noColor === "");
  const paint = (open: number, close: number) => (text: string) => (hasColour ? `\u001b[${open}m${text}\u001b[${close}m` : text);
  return { green: paint(32, 39), red: paint(31, 39), yellow: paint(33, 39), dim: paint(2, 22), bold: paint(1, 22) };
}

/** Text columns as wide as their widest cell; the last one is left ragged. Cells may hold what others wrote: they are made plain here. */
export function columnsOf(cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map(plain));
  const widths: number[] = [];
  for (const row of rows) for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  const line = (row: readonly string[]): string => row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join("  ");
  return rows.map((row) => `${line(row).trimEnd()}\n`).join("");
}

/** Takes control characters out of text that others wrote, so that a log or a file name cannot drive the terminal. */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd");
}

/** One line of JSON. What JSON lets through and a terminal may obey (the C1 control characters) is escaped too. */
export function jsonLine(value: unknown): string {
  const text = JSON.stringify(value).replace(/[\u007f-\u009f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `${text}\n`;
}

/** Bytes for people: `1.2 MB`. */
export function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
