import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import * as api from "#contract/api/files.ts";
import { deploySite } from "#contract/api/sites.ts";
import { Failure } from "#contract/failure.ts";
import * as host from "#contract/internal/files.ts";
import { uploadArchive } from "#contract/internal/orchestrator.ts";
import { parseSitePath } from "#contract/site-path.ts";
import type { OperationStore } from "#core/operations/operation-store.ts";
import { deploySite as queueDeployment } from "#core/sites/change-site.ts";
import type { RunPolicy } from "#core/sites/run-policy.ts";
import type { SiteStore } from "#core/sites/site-store.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import { Answer, mount } from "#kit/http/mount.ts";
import type { Note } from "./audit-trail.ts";
import type { OrchestratorMirror } from "./orchestrator-mirror.ts";
import type { personGuards } from "./person-guard.ts";
import { previewHeaders } from "./preview-headers.ts";
import { guardOf, siteFilesClient, sitePathOf } from "./site-files-client.ts";
import { operationViewOf } from "./views.ts";

/** What the files' endpoints need. */
export interface FilesDeps {
  readonly guards: ReturnType<typeof personGuards>;
  readonly sites: SiteStore;
  readonly operations: OperationStore;
  readonly mirror: OrchestratorMirror;
  readonly orchestrator: ComponentClient;
  readonly runPolicy: RunPolicy;
  readonly note: Note;
}

/** Serves files and deployments by passing streams through to the orchestrator, which holds them. */
export function mountFiles(app: FastifyInstance, deps: FilesDeps): void {
  mountReading(app, deps);
  mountWriting(app, deps);
  mountDeployment(app, deps);
}

// Headers that an answer keeps on its way from the orchestrator.
const passedOn = ["etag", "content-length", "content-range", "accept-ranges", "last-modified"] as const;

function mountReading(app: FastifyInstance, deps: FilesDeps): void {
  mount({ app, guard: deps.guards.site }, api.readFile, async ({ caller, request, query, signal }) => {
    const { path, isFolder } = sitePathOf(request);
    const client = siteFilesClient(deps.orchestrator, caller);
    const params = { siteId: caller.site.id };
    if (isFolder) {
      const listing = await client.call(host.listFolder, { params, query: { path }, signal });
      return new Answer(JSON.stringify(listing), { headers: { "content-type": "application/json; charset=utf-8" } });
    }
    const response = await client.fetch(host.readSiteFile, { params, query: { path }, headers: conditionsOf(request), signal });
    const headers = { ...headersOf(response), ...previewHeaders(path, query) };
    if (response.status === 304 || response.body === null) return new Answer(undefined, { status: response.status, headers });
    return new Answer(Readable.fromWeb(response.body), { status: response.status, headers });
  });
  mount({ app, guard: deps.guards.site }, api.downloadArchive, async ({ query, caller, signal }) => {
    parseSitePath(query.path);
    const response = await siteFilesClient(deps.orchestrator, caller).fetch(host.readArchive, {
      params: { siteId: caller.site.id },
      query: { path: query.path },
      signal,
    });
    const name = query.path === "" ? caller.site.name : (query.path.split("/").at(-1) ?? caller.site.name);
    const headers = { "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(`${name}.zip`)}` };
    return new Answer(response.body === null ? "" : Readable.fromWeb(response.body), { headers });
  });
  mount({ app, guard: deps.guards.site }, api.readUsage, async ({ caller, signal }) => {
    const usage = await siteFilesClient(deps.orchestrator, caller).call(host.readSiteUsage, { params: { siteId: caller.site.id }, signal });
    return { ...usage, limitBytes: caller.site.limits.diskBytes, limitFiles: caller.site.limits.files };
  });
}

function mountWriting(app: FastifyInstance, deps: FilesDeps): void {
  mount({ app, guard: deps.guards.site }, api.writeFile, async ({ caller, request, stream }) => {
    const { path, isFolder } = sitePathOf(request);
    if (isFolder) throw new Failure("not_a_file", { path: path === "" ? "the site's folder" : path });
    const written = await sendBody(request, (signal) =>
      siteFilesClient(deps.orchestrator, caller).call(host.writeSiteFile, {
        params: { siteId: caller.site.id },
        query: { path, ...guardOf(request, path) },
        body: stream,
        signal,
      }),
    );
    return new Answer(undefined, { status: written.created ? 201 : 204, headers: { etag: `"${written.sha256}"` } });
  });
  mount({ app, guard: deps.guards.site }, api.deletePath, async ({ caller, request, query }) => {
    const { path } = sitePathOf(request);
    if (path === "") throw new Failure("path_invalid", { path: "/", reason: "the site's own folder cannot be deleted" });
    await siteFilesClient(deps.orchestrator, caller).call(host.deleteSitePath, {
      params: { siteId: caller.site.id },
      query: { path, recursive: query.recursive },
    });
    return undefined;
  });
  mount({ app, guard: deps.guards.site }, api.changePath, async ({ caller, request, body }) => {
    const { path } = sitePathOf(request);
    const client = siteFilesClient(deps.orchestrator, caller);
    const params = { siteId: caller.site.id };
    if ("mkdir" in body) await client.call(host.makeFolder, { params, body: { path } });
    else if ("executable" in body) await client.call(host.setExecutable, { params, body: { path, executable: body.executable } });
    else if ("copy" in body) await client.call(host.copySitePath, { params, body: { from: path, to: parseSitePath(body.copy).join("/") } });
    else {
      const to = parseSitePath(body.move).join("/");
      await client.call(host.moveSitePath, { params, body: { from: path, to } });
    }
    return undefined;
  });
}

function mountDeployment(app: FastifyInstance, deps: FilesDeps): void {
  mount({ app, guard: deps.guards.site }, deploySite, async ({ caller, request, stream }) => {
    const type = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
    if (type !== "application/gzip" && type !== "application/x-gzip") throw new Failure("media_type_unsupported", { expected: "application/gzip" });
    const uploadId = randomUUID();
    await sendBody(request, (signal) =>
      siteFilesClient(deps.orchestrator, caller).call(uploadArchive, { params: { siteId: caller.site.id, uploadId }, body: stream, signal }),
    );
    const operation = await queueDeployment({ ...deps, host: deps.mirror, newId: randomUUID }, caller.actor, { site: caller.site, uploadId });
    await deps.note(caller.actor, "deployments.create", { site: caller.site, details: { operation: operation.id } });
    return { operation: operationViewOf(operation) };
  });
}

/** Passes the request's body on. A client that goes away in the middle ends the call, and nothing is written. */
async function sendBody<T>(request: FastifyRequest, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const cut = (): void => {
    if (!request.raw.complete) controller.abort(new Failure("upload_incomplete"));
  };
  request.raw.once("close", cut).once("aborted", cut);
  try {
    return await send(controller.signal);
  } catch (error) {
    if (controller.signal.aborted) throw new Failure("upload_incomplete", {}, { cause: error });
    throw error;
  } finally {
    request.raw.off("close", cut).off("aborted", cut);
  }
}

function conditionsOf(request: FastifyRequest): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of ["range", "if-none-match", "if-range"] as const) {
    const value = request.headers[name];
    if (typeof value === "string") headers[name] = value;
  }
  return headers;
}

function headersOf(response: Response): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of passedOn) {
    const value = response.headers.get(name);
    if (value !== null) headers[name] = value;
  }
  return headers;
}
