import type { FastifyInstance } from "fastify";
import type { GrantClaims } from "#contract/grant.ts";
import * as endpoints from "#contract/internal/runs.ts";
import type { EpochTable } from "#kit/epochs.ts";
import { type Guard, mount } from "#kit/http/mount.ts";
import { jailOf } from "#orchestrator/files/site-shelf.ts";
import { siteScriptsFolder } from "#orchestrator/runtime/run.ts";
import { describeScript, listScripts } from "#orchestrator/scripts/list-scripts.ts";
import { streamOf } from "#orchestrator/sites/answer-stream.ts";
import { type OutputSource, readOutput } from "./read-output.ts";
import type { RunBook } from "./run-book.ts";
import type { RunHost } from "./run-plan.ts";

export interface RunsApi {
  readonly runs: RunBook;
  readonly host: RunHost;
  readonly epochs: EpochTable;
}

/** Serves runs, their output, and the scripts that can be run. */
export function mountRuns(app: FastifyInstance, guard: Guard<GrantClaims>, api: RunsApi): void {
  const { runs, host } = api;
  const at = { app, guard };
  mount(at, endpoints.putRun, async ({ params, query, body, signal }) => {
    const view = await runs.put(params.uid, body);
    return view.state === "ended" || query.waitMs === 0 ? view : runs.await(params.uid, query.waitMs, signal);
  });
  mount(at, endpoints.awaitRun, ({ params, query, signal }) => runs.await(params.uid, query.waitMs, signal));
  mount(at, endpoints.cancelRun, ({ params, body }) => runs.cancel(params.uid, body));
  mount(at, endpoints.forgetRun, async ({ params }) => {
    await runs.forget(params.uid);
    return undefined;
  });
  mount(at, endpoints.readRunLog, async (call) => {
    const { offset, follow } = call.query;
    const source = await runs.output(call.params.uid, call.params.stream);
    return streamOf(call, api.epochs, (signal) => lines(source, { offset, follow, signal }));
  });
  mount(at, endpoints.listScripts, async () => {
    const scripts = await listScripts({ root: host.libraryFolder, owner: null }, "");
    return { scripts: [...scripts], allowsCommands: host.allowsCommands };
  });
  mount(at, endpoints.listSiteScripts, async ({ params }) => {
    const scripts = await listScripts(jailOf(host.sites, params.siteId), siteScriptsFolder);
    return { scripts: [...scripts], allowsCommands: host.allowsCommands };
  });
  mount(at, endpoints.describeScript, async ({ query }) => ({ script: await describeScript({ root: host.libraryFolder, owner: null }, "", query.path) }));
  mount(at, endpoints.describeSiteScript, async ({ params, query }) => ({
    script: await describeScript(jailOf(host.sites, params.siteId), siteScriptsFolder, query.path),
  }));
}

async function* lines(source: OutputSource, options: Parameters<typeof readOutput>[1]): AsyncGenerator<string> {
  for await (const piece of readOutput(source, options)) yield `${JSON.stringify(piece)}\n`;
}
