import type { Writable } from "node:stream";
import { type Clock, steadyNow } from "./clock.ts";

/** How long lines are left out of a file that could not be written, in milliseconds: a full disk is not tried with every line. */
const pauseMs = 10_000;

/** What a log file needs from outside. */
export interface LogFileDeps {
  readonly clock?: Clock;
  /** Says on stderr what went wrong. */
  readonly tell?: (text: string) => void;
}

/** Where lines of a log go, as pino asks for it. */
export interface LogFile {
  write(line: string): void;
}

/**
 * A file that outlives the failures of its disk: a stream that failed once takes nothing more, so the next line after a pause opens another one.
 * Lines until then are on stdout only.
 */
export function openLogFile(open: () => Writable, deps: LogFileDeps = {}): LogFile {
  const { clock = { now: steadyNow }, tell = (text) => void process.stderr.write(text) } = deps;
  let failedAt: number | undefined;
  const begin = (): Writable => {
    const stream = open();
    // A full disk must not end the process.
    stream.on("error", (error) => tell(`log file: ${error.message}\n`));
    stream.on("close", () => {
      failedAt = clock.now();
      current = undefined;
    });
    return stream;
  };
  let current: Writable | undefined = begin();
  return {
    write: (line) => {
      if (current === undefined) {
        if (failedAt !== undefined && clock.now() - failedAt < pauseMs) return;
        current = begin();
        // The disk may have become full in the middle of a line.
        current.write("\n");
      }
      current.write(line);
    },
  };
}
