import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { followOperation, readOperation } from "#contract/api/operations.ts";
import { followSites, readLogs } from "#contract/api/sites.ts";
import type { QueryOf } from "#contract/endpoint.ts";
import { readLines } from "#contract/events.ts";
import { type LogLine, logLine, readSiteLogs } from "#contract/internal/orchestrator.ts";
import type { Operation } from "#core/operations/operation.ts";
import type { OperationStore } from "#core/operations/operation-store.ts";
import type { SiteStore } from "#core/sites/site-store.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import type { Hints } from "#kit/hints.ts";
import { eventStream } from "#kit/http/event-stream.ts";
import { Answer, mount } from "#kit/http/mount.ts";
import type { OperationCaller } from "./callers.ts";
import type { OrchestratorMirror } from "./orchestrator-mirror.ts";
import type { personGuards } from "./person-guard.ts";
import { released } from "./released.ts";
import { SiteChangeFeed } from "./site-change-feed.ts";
import type { StreamAccess } from "./stream-access.ts";
import { operationViewOf } from "./views.ts";

/** What the endpoints that stream need. */
export interface StreamsDeps {
  readonly guards: ReturnType<typeof personGuards>;
  readonly sites: SiteStore;
  readonly operations: OperationStore;
  readonly orchestrator: ComponentClient;
  readonly mirror: OrchestratorMirror;
  readonly access: Pick<StreamAccess, "signalFor">;
  /** Woken with an operation's id at each of its changes. */
  readonly hints: Hints;
}

/** A hint may be lost; looking this often makes up for it. */
const lookEveryMs = 2_000;

/** Serves logs, operations as they go, and changes of state. */
export function mountStreams(app: FastifyInstance, deps: StreamsDeps): void {
  const feed = new SiteChangeFeed(deps);
  mount({ app, guard: deps.guards.operation }, readOperation, async ({ caller }) => ({ operation: operationViewOf(caller.operation) }));
  mount({ app, guard: deps.guards.operation }, followOperation, async ({ caller, request, signal }) => {
    const watch = deps.access.signalFor({ caller, request, signal }, null);
    return released(eventStream(progressOf(deps, caller, watch.signal), watch.signal), watch.release);
  });
  mount({ app, guard: deps.guards.person }, followSites, async ({ caller, request, signal }) => {
    const watch = deps.access.signalFor({ caller, request, signal }, null);
    try {
      const { news, leave } = feed.follow(caller.actor, watch.signal);
      return released(released(eventStream(news, watch.signal), watch.release), leave);
    } catch (error) {
      watch.release();
      throw error;
    }
  });
  mount({ app, guard: deps.guards.site }, readLogs, async ({ caller, query, request, signal }) => {
    const watch = deps.access.signalFor({ caller, request, signal }, caller.site);
    try {
      const behalf = { user: caller.actor.user.id, userEpoch: caller.actor.user.epoch, siteEpoch: caller.site.epoch };
      const response = await deps.orchestrator.on(behalf).fetch(readSiteLogs, { params: { siteId: caller.site.id }, query: pick(query), signal: watch.signal });
      const lines = parsed(response.body);
      const attached: Record<string, string> = query.download ? { "content-disposition": `attachment; filename="${caller.site.name}.log"` } : {};
      if (!query.follow) {
        return new Answer(released(Readable.from(texts(lines, query)), watch.release), { headers: { "cache-control": "no-store", ...attached } });
      }
      const headers = { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" };
      return new Answer(released(eventStream(lines, watch.signal), watch.release), { headers });
    } catch (error) {
      watch.release();
      throw error;
    }
  });
}

async function* progressOf(deps: StreamsDeps, caller: OperationCaller, signal: AbortSignal): AsyncGenerator<unknown> {
  let shown = "";
  while (!signal.aborted) {
    const news = deps.hints.wait(caller.operation.id, { maxMs: lookEveryMs, signal });
    const operation: Operation | null = await deps.operations.forActor(caller.actor, caller.operation.id);
    if (operation === null) return;
    const view = operationViewOf(operation);
    const text = JSON.stringify(view);
    if (text !== shown) yield view;
    shown = text;
    if (operation.state === "succeeded" || operation.state === "failed") return;
    await news;
  }
}

async function* parsed(body: ReadableStream<Uint8Array> | null): AsyncGenerator<LogLine> {
  if (body === null) return;
  for await (const line of readLines(body)) if (line !== "") yield logLine.parse(JSON.parse(line));
}

type LogQuery = QueryOf<typeof readLogs>;

function pick({ tail, follow, query, stream }: LogQuery): Pick<LogQuery, "tail" | "follow" | "query" | "stream"> {
  return { tail, follow, query, stream };
}

async function* texts(lines: AsyncIterable<LogLine>, query: LogQuery): AsyncGenerator<string> {
  for await (const line of lines) yield `${textOf(line, query)}\n`;
}

function textOf(line: LogLine, { format, download }: LogQuery): string {
  if (format === "json") return JSON.stringify(line);
  if (download) return `${line.at} ${line.stream.padEnd(8)} ${line.line}`;
  const said = { stdout: "", stderr: "", platform: "[backlot] ", router: "[router] " }[line.stream];
  return `${said}${line.line}`;
}
