import type { Client } from "#contract/client.ts";
import { Failure } from "#contract/failure.ts";
import { describeScript, describeSiteScript, listScripts, listSiteScripts } from "#contract/internal/runs.ts";
import type { ScriptSource } from "./cached-script-shelf.ts";

/** The orchestrator answers from memory or one folder; well within a schedule's lease. */
const timeoutMs = 10_000;

/** The scripts of a site, or of the library, as the orchestrator answers. */
export function scriptsOf(orchestrator: Pick<Client, "call">): ScriptSource {
  return {
    list: (siteId) =>
      inTime((signal) => (siteId === null ? orchestrator.call(listScripts, { signal }) : orchestrator.call(listSiteScripts, { params: { siteId }, signal }))),
    describe: async (siteId, path) => {
      const query = { path };
      const { script } = await inTime((signal) =>
        siteId === null ? orchestrator.call(describeScript, { query, signal }) : orchestrator.call(describeSiteScript, { params: { siteId }, query, signal }),
      );
      return script;
    },
  };
}

async function inTime<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return await ask(signal);
  } catch (cause) {
    if (signal.aborted) throw new Failure("component_away", { component: "orchestrator" }, { cause });
    throw cause;
  }
}
