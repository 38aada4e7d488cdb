import type { Log } from "./log.ts";

/** The environment as main.ts read it, once; every `config.ts` parses its own part of it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A service that runs in this process. */
export interface RunningService {
  /** Where it can be reached, by name of the door: `{ manager: "http://127.0.0.1:8000" }`. */
  readonly doors: Readonly<Record<string, string>>;
  /** Lines for the person who started it, printed once it runs: addresses, the one-time set-up link. Never logged. */
  readonly notices?: readonly string[];
  /** Stops taking work, ends what is under way within a few seconds, and releases everything. */
  stop(): Promise<void>;
}

/**
 * What every `<process>/start.ts` exports as `start`: it parses its configuration, wires its parts, and resolves when its doors are open.
 * The signal is aborted when the process was asked to end before that.
 */
export type StartService = (environment: Environment, log: Log, signal?: AbortSignal) => Promise<RunningService>;

/** Said on the command line of a supervised process: it speaks with its supervisor over Node's channel, and prints nothing for people. */
export const supervisedFlag = "--supervised";
