import type { OrchestratorConfig } from "#orchestrator/config.ts";
import type { TerminalHost } from "./enter-site.ts";
import { TerminalBook } from "./terminal-book.ts";

/** A person's terminals in all sites together; each costs memory and processes. */
const perPerson = 16;
/** Editors on SSH open several connections each. */
const execPerSite = 32;
/** Some thousands of lines. */
const scrollBackBytes = 512 * 1024;

/** Opens the book of terminals, by the settings. */
export function openTerminals(deps: Omit<TerminalHost, "limits"> & { readonly config: OrchestratorConfig }): TerminalBook {
  const { config } = deps;
  const limits = {
    idleMs: config.BACKLOT_TERMINAL_IDLE_MINUTES * 60_000,
    mostMs: config.BACKLOT_TERMINAL_HOURS * 3_600_000,
    perSite: config.BACKLOT_TERMINALS_PER_SITE,
    perPerson,
    execPerSite,
    scrollBackBytes,
  };
  return new TerminalBook({ ...deps, limits });
}
