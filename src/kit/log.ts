import pino, { type Level, type Logger } from "pino";
import { createStream } from "rotating-file-stream";
import { openLogFile } from "./log-file.ts";

export type Log = Logger;

/** Where a process writes its log. */
export interface LogOptions {
  /** The process' name, a field of every line. */
  readonly process: string;
  readonly level: string;
  /** When given, the log also goes to `<folder>/<process>.log`; full ones are kept beside it, the time in front of their names. */
  readonly folder?: string | undefined;
  /** When a file is full. 10 MB unless told otherwise, as in the original. */
  readonly fileBytes?: number;
  /** How many full ones are kept. 10 unless told otherwise. */
  readonly keptFiles?: number;
}

/** A log of JSON lines to stdout, and to one rotated file per process when a folder is given. */
export function createLog(options: LogOptions): Log {
  const base = { base: { process: options.process, pid: process.pid }, level: options.level, timestamp: pino.stdTimeFunctions.isoTime };
  if (options.folder === undefined || options.folder === "") return pino(base);
  const { folder: path, fileBytes = 10 * 1024 * 1024, keptFiles = 10 } = options;
  const file = openLogFile(() => createStream(`${options.process}.log`, { path, size: `${fileBytes}B`, maxFiles: keptFiles }));
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
