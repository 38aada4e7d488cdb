import type { ScriptView } from "#contract/task.ts";

/** What can be run in one place. */
export interface ScriptList {
  readonly scripts: readonly ScriptView[];
  /** Whether the orchestrator runs commands. */
  readonly allowsCommands: boolean;
}

/** The scripts that there are, as the orchestrator sees them: of a site by its number, of the installation's library by null. */
export interface ScriptShelf {
  /** May be a second old. @throws {Failure} `component_away`. */
  list(siteId: number | null): Promise<ScriptList>;
  /** One that was put there just now is found too. @throws {Failure} `component_away`. */
  find(siteId: number | null, path: string): Promise<ScriptView | null>;
}
