import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import * as api from "#contract/api/files.ts";
import { readEvents } from "#contract/events.ts";
import { Failure } from "#contract/failure.ts";
import * as host from "#contract/internal/files.ts";
import { parseSitePath } from "#contract/site-path.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import { eventStream } from "#kit/http/event-stream.ts";
import { Answer, mount } from "#kit/http/mount.ts";
import type { personGuards } from "./person-guard.ts";
import { previewHeaders } from "./preview-headers.ts";
import { released } from "./released.ts";
import { guardOf, siteFilesClient, sitePathOf } from "./site-files-client.ts";
import type { StreamAccess } from "./stream-access.ts";

/** What the endpoints beside the files themselves need. */
export interface FileHistoryDeps {
  readonly guards: ReturnType<typeof personGuards>;
  readonly orchestrator: ComponentClient;
  readonly access: Pick<StreamAccess, "signalFor">;
}

/** Serves earlier versions of files, search in a site, and changes as they happen. */
export function mountFileHistory(app: FastifyInstance, deps: FileHistoryDeps): void {
  const at = { app, guard: deps.guards.site };
  mount(at, api.listHistory, async ({ caller, request, signal }) => {
    const { path } = sitePathOf(request);
    return siteFilesClient(deps.orchestrator, caller).call(host.listVersions, { params: { siteId: caller.site.id }, query: { path }, signal });
  });
  mount(at, api.listDeleted, async ({ caller, query, signal }) => {
    const path = parseSitePath(query.path).join("/");
    return siteFilesClient(deps.orchestrator, caller).call(host.listVersions, { params: { siteId: caller.site.id }, query: { path, deleted: true }, signal });
  });
  mount(at, api.readVersion, async ({ caller, params, query, signal }) => {
    const wanted = { params: { siteId: caller.site.id, version: params.version }, signal };
    const response = await siteFilesClient(deps.orchestrator, caller).fetch(host.readVersion, wanted);
    const path = decodeURIComponent(response.headers.get("x-file-path") ?? "");
    const headers: Record<string, string> = { ...previewHeaders(path, query), "cache-control": "private, max-age=3600, immutable" };
    for (const name of ["etag", "content-length", "last-modified"]) headers[name] = response.headers.get(name) ?? "";
    return new Answer(response.body === null ? "" : Readable.fromWeb(response.body), { headers });
  });
  mount(at, api.restoreVersion, async ({ caller, request, body }) => {
    const { path, isFolder } = sitePathOf(request);
    if (isFolder) throw new Failure("not_a_file", { path: path === "" ? "the site's folder" : path });
    const written = await siteFilesClient(deps.orchestrator, caller).call(host.restoreVersion, {
      params: { siteId: caller.site.id },
      body: { version: body.restore, path, ...guardOf(request, path) },
    });
    return new Answer(undefined, { status: written.created ? 201 : 204, headers: { etag: `"${written.sha256}"` } });
  });
  mount(at, api.searchFiles, async ({ caller, query, signal }) => {
    parseSitePath(query.path);
    return siteFilesClient(deps.orchestrator, caller).call(host.searchFiles, { params: { siteId: caller.site.id }, query, signal });
  });
  mount(at, api.followChanges, async ({ caller, query, request, signal }) => {
    const watch = deps.access.signalFor({ caller, request, signal }, caller.site);
    try {
      const client = siteFilesClient(deps.orchestrator, caller);
      const response = await client.fetch(host.followChanges, { params: { siteId: caller.site.id }, query, signal: watch.signal });
      return released(eventStream(changesIn(response.body), watch.signal), watch.release);
    } catch (error) {
      watch.release();
      throw error;
    }
  });
}

async function* changesIn(body: ReadableStream<Uint8Array> | null): AsyncGenerator<api.SiteChange> {
  if (body === null) return;
  for await (const event of readEvents(body)) yield api.siteChange.parse(JSON.parse(event.data));
}
