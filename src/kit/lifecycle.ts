import type { Log } from "./log.ts";

/** The environment as main.ts read it, once; every `config.ts` parses its own part of it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A service that runs in this process. */
export interface RunningService {
  /** Where it can be reached, by name of the door: `{ manager: "http://127.0.0.1:8000" }`. */
  readonly doors: Readonly<Record<string, string>>;
  /** Stops taking work, ends what is under way within a few seconds, and releases everything. */
  stop(): Promise<void>;
}

/** What every `<process>/start.ts` exports as `start`: it parses its configuration, wires its parts, and resolves when its doors are open. */
export type StartService = (environment: Environment, log: Log) => Promise<RunningService>;
