import type { IncomingMessage, ServerResponse } from "node:http";
import type { Plugin } from "vite";
import { publicEndpoints } from "#contract/api/public.ts";
import { type EndpointShape, hasRawBody } from "#contract/endpoint.ts";
import { Failure, problemOf } from "#contract/failure.ts";
import { mockAccountHandlers } from "./mock-accounts.ts";
import { mockCacheHandlers } from "./mock-cache.ts";
import type { MockHandler } from "./mock-call.ts";
import { mockDatabaseHandlers } from "./mock-databases.ts";
import { mockFileHandlers } from "./mock-files.ts";
import { mockHistoryHandlers } from "./mock-history.ts";
import { mockImageHandlers } from "./mock-images.ts";
import { mockKeyHandlers } from "./mock-keys.ts";
import { mockNodeHandlers } from "./mock-nodes.ts";
import { mockScheduleHandlers } from "./mock-schedules.ts";
import { mockSiteHandlers } from "./mock-sites.ts";
import { mockTaskHandlers } from "./mock-tasks.ts";
import { acceptTerminals, mockTerminalHandlers } from "./mock-terminals.ts";
import { mockTrafficHandlers } from "./mock-traffic.ts";
import { createMockWorld, type MockWorld } from "./mock-world.ts";

const handlers: Readonly<Record<string, MockHandler>> = {
  ...mockCacheHandlers,
  ...mockDatabaseHandlers,
  ...mockAccountHandlers,
  ...mockKeyHandlers,
  ...mockSiteHandlers,
  ...mockFileHandlers,
  ...mockHistoryHandlers,
  ...mockTaskHandlers,
  ...mockScheduleHandlers,
  ...mockTerminalHandlers,
  ...mockNodeHandlers,
  ...mockImageHandlers,
  ...mockTrafficHandlers,
};
/** What is pretended, so that a test can tell what is not. */
export const mockHandlerIds: readonly string[] = Object.keys(handlers);
const routes = publicEndpoints.map((shape) => ({ shape, pattern: patternOf(shape) }));

/** Answers `/api/v1/…` from memory in Vite's development server. */
export function mockApi(): Plugin {
  return {
    name: "backlot-mock-api",
    configureServer(server) {
      server.middlewares.use(createMockHandler(createMockWorld()));
      if (server.httpServer !== null) acceptTerminals(server.httpServer);
    },
  };
}

/** The pretended manager as a request handler: the contract's own endpoints and schemas, with state in memory. */
export function createMockHandler(world: MockWorld): (request: IncomingMessage, response: ServerResponse, next: () => void) => void {
  return (request, response, next) => {
    const url = new URL(request.url ?? "/", "http://mock");
    if (!url.pathname.startsWith("/api/")) return next();
    answer({ world, request, response, url }).catch((error: unknown) => {
      const failure = error instanceof Failure ? error : new Failure("internal", { requestId: String(error) });
      if (response.headersSent) return response.end();
      response.writeHead(failure.status, { "content-type": "application/problem+json" }).end(JSON.stringify(problemOf(failure)));
    });
  };
}

async function answer(at: { world: MockWorld; request: IncomingMessage; response: ServerResponse; url: URL }): Promise<void> {
  const { world, request, response, url } = at;
  const route = routes.find(({ shape, pattern }) => shape.method === request.method && pattern.test(url.pathname));
  if (route === undefined) throw new Failure("not_found");
  const { shape } = route;
  if (shape.access.kind !== "anyone" && world.me === null) throw new Failure("not_signed_in");
  const groups = route.pattern.exec(url.pathname)?.groups ?? {};
  const params = Object.fromEntries(Object.entries(groups).map(([key, value]) => [key === "rest" ? "*" : key, decodeURIComponent(value)]));
  const bytes = await bytesOf(request);
  const result = await handlers[shape.id]?.({ world, params, query: url.searchParams, body: parsedBody(shape, bytes), bytes, request, response });
  if (response.headersSent) return;
  if (shape.result === undefined) response.writeHead(204).end();
  else response.writeHead(shape.status, { "content-type": "application/json" }).end(JSON.stringify(result));
}

function parsedBody(shape: EndpointShape, bytes: Uint8Array): unknown {
  if (shape.body === undefined || hasRawBody(shape) || !("safeParse" in shape.body)) return undefined;
  const parsed = shape.body.safeParse(JSON.parse(new TextDecoder().decode(bytes) || "null"));
  if (!parsed.success)
    throw new Failure("input_invalid", { detail: parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ") });
  return parsed.data;
}

function patternOf(shape: EndpointShape): RegExp {
  return new RegExp(`^${shape.path.replace(/:(\w+)/g, "(?<$1>[^/]+)").replace("*", "(?<rest>.*)")}$`);
}

async function bytesOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
