import pino, { type Level, type Logger } from "pino";
import { createStream } from "rotating-file-stream";

export type Log = Logger;

/** Where a process writes its log. */
export interface LogOptions {
  /** The process' name, a field of every line. */
  readonly process: string;
  readonly level: string;
  /** When given, the log also goes to `<folder>/<process>.log`, 10 MB a file, 10 files, as in the original. */
  readonly folder?: string | undefined;
}

/** A log of JSON lines to stdout, and to one rotated file per process when a folder is given. */
export function createLog(options: LogOptions): Log {
  const base = { base: { process: options.process, pid: process.pid }, level: options.level, timestamp: pino.stdTimeFunctions.isoTime };
  if (options.folder === undefined || options.folder === "") return pino(base);
  const file = createStream(`${options.process}.log`, { path: options.folder, size: "10M", maxFiles: 10 });
  // A full disk must not end the process: what cannot be kept is on stdout all the same.
  file.on("error", (error) => process.stderr.write(`log file: ${error.message}\n`));
  // Each stream has a level of its own, which would otherwise be `info`. Pino's type names the known levels; ours is checked by the settings.
  const level = options.level as Level;
  return pino(
    base,
    pino.multistream([
      { level, stream: process.stdout },
      { level, stream: file },
    ]),
  );
}

/** A log that says nothing, for tests. */
export function silentLog(): Log {
  return pino({ level: "silent" });
}
