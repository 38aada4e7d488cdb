import type { Readable, Writable } from "node:stream";
import type { SiteSpec } from "#contract/site-spec.ts";
import type { TerminalSize, terminalSignals } from "#contract/terminal.ts";

/** A shell or a command that somebody enters a site with. */
export interface EnterRequest {
  /** The caller's key, unique among those that live. */
  readonly key: string;
  readonly spec: SiteSpec;
  /** The site's folder on this machine. */
  readonly folder: string;
  /** A command for a shell; null for an interactive shell. */
  readonly command: string | null;
  /** A terminal of this size; null for pipes. */
  readonly size: TerminalSize | null;
  /** Beyond what the site has; the platform's own names win over it. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Signals by their names without `SIG`. */
export type EnteredSignal = (typeof terminalSignals)[number];

/** How it ended. */
export interface EnteredExit {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** The memory limit ended it. */
  readonly isOutOfMemory: boolean;
}

/** A shell or a command that was started. Its streams are paused: listen, then `resume()`. */
export interface EnteredProgram {
  /** What is typed, or its standard input. */
  readonly input: Writable;
  /** What a terminal shows, or its standard output. Ends by itself when no program of it has it open any more. */
  readonly output: Readable;
  /** Its standard error; null on a terminal. */
  readonly errors: Readable | null;
  /** Resolves when the whole process tree is gone; the last output may still be in the streams. Never rejects. */
  readonly exited: Promise<EnteredExit>;
  /** Its programs hear of it by SIGWINCH. Nothing happens without a terminal. */
  resize(size: TerminalSize): void;
  /** Sends a signal to the programs that run now. */
  signal(name: EnteredSignal): void;
  /** Hangs up, ends what is left after `graceMs`, and resolves when all of it is gone. */
  end(graceMs: number): Promise<void>;
}
