import type { Capabilities } from "#contract/internal/orchestrator.ts";
import type { RuntimeCapabilities } from "#orchestrator/runtime/site-runtime.ts";
import type { Starter } from "./starters.ts";

/** What this machine can do, as the manager and the doctor ask for it. */
export function capabilitiesOf(found: {
  readonly runtime: RuntimeCapabilities;
  readonly interpreters: Readonly<Record<string, string>>;
  readonly starters: readonly Starter[];
}): Capabilities {
  return {
    isolates: found.runtime.isolates,
    missing: [...found.runtime.missing],
    limits: found.runtime.limits,
    freezes: found.runtime.freezes,
    freezeNote: found.runtime.freezeNote,
    egress: { isAvailable: found.runtime.egress.isAvailable, notes: [...found.runtime.egress.notes] },
    dedicates: found.runtime.dedicates === true,
    interpreters: { ...found.interpreters },
    starters: [...found.starters],
  };
}
