import { Failure } from "#contract/failure.ts";
import { listScripts, listSiteScripts } from "#contract/internal/runs.ts";
import type { ScriptList } from "#core/tasks/script-shelf.ts";
import type { ComponentClient } from "#kit/component-client.ts";

const timeoutMs = 10_000;

/** Asks the orchestrator for the scripts of a site, or of the library. @throws {Failure} `component_away`. */
export async function readScripts(orchestrator: ComponentClient, siteId: number | null): Promise<ScriptList> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return siteId === null ? await orchestrator.call(listScripts, { signal }) : await orchestrator.call(listSiteScripts, { params: { siteId }, signal });
  } catch (cause) {
    if (signal.aborted) throw new Failure("component_away", { component: "orchestrator" }, { cause });
    throw cause;
  }
}
