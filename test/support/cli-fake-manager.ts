import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { z } from "zod";
import { publicEndpoints } from "#contract/api/public.ts";
import { type EndpointShape, hasRawBody, hasRawResult } from "#contract/endpoint.ts";
import { Failure, problemOf } from "#contract/failure.ts";

/** What a handler of the fake gets. */
export interface FakeCall {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly bytes: Buffer;
  readonly headers: IncomingMessage["headers"];
}
/** Raw answers: status, headers and chunks as they go over the wire. */
export class RawReply {
  readonly body: string | Uint8Array | AsyncIterable<string>;
  readonly options: { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly hangUp?: boolean };

  constructor(body: RawReply["body"], options: RawReply["options"] = {}) {
    this.body = body;
    this.options = options;
  }
}
export type FakeHandler = (call: FakeCall) => unknown;

/** A manager made of the contract alone: it matches, checks and answers as the endpoints say; what comes of it is given by `handlers`, by endpoint id. */
export interface FakeManager extends AsyncDisposable {
  readonly url: string;
  /** What was asked, in order: `sites.create`. */
  readonly asked: readonly string[];
  readonly handlers: Record<string, FakeHandler>;
  /** The tokens that it takes; `fakeToken` to begin with. */
  readonly knownTokens: Set<string>;
}

export const fakeToken = "fake-token";

/** Starts a fake manager on a free port. */
export async function startFakeManager(handlers: Record<string, FakeHandler>): Promise<FakeManager> {
  const asked: string[] = [];
  const knownTokens = new Set([fakeToken]);
  const server = createServer((request, response) => {
    answer(request, response, { handlers, asked, knownTokens }).catch((error: unknown) => {
      if (error instanceof Failure) return sendProblem(response, error);
      response.destroy(error instanceof Error ? error : new Error(String(error)));
      return undefined;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    handlers,
    knownTokens,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  fake: { readonly handlers: Record<string, FakeHandler>; readonly asked: string[]; readonly knownTokens: ReadonlySet<string> },
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://fake");
  const found = match(request.method ?? "GET", url.pathname);
  if (found === undefined) throw new Failure("not_found");
  const { shape, params } = found;
  fake.asked.push(shape.id);
  if (shape.access.kind !== "anyone") checkCaller(request, fake.knownTokens);
  const bytes = await buffer(request);
  const handler = fake.handlers[shape.id];
  if (handler === undefined) throw new Failure("not_found");
  shape.query?.parse(Object.fromEntries(url.searchParams));
  const value = await handler({ params, query: url.searchParams, body: bodyOf(shape, bytes), bytes, headers: request.headers });
  if (value instanceof RawReply) return sendRaw(response, shape, value);
  response.statusCode = shape.status;
  if (shape.result === undefined || hasRawResult(shape)) return void response.end();
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify((shape.result as z.ZodType).parse(value)));
}

function checkCaller(request: IncomingMessage, knownTokens: ReadonlySet<string>): void {
  if (knownTokens.has(request.headers.authorization?.replace(/^Bearer /, "") ?? "")) return;
  const hasCookie = request.headers.cookie === "backlot_session=one" && request.headers.origin !== undefined;
  if (!hasCookie) throw new Failure("not_signed_in");
}

function bodyOf(shape: EndpointShape, bytes: Buffer): unknown {
  if (shape.body === undefined || hasRawBody(shape)) return undefined;
  const parsed = (shape.body as z.ZodType).safeParse(JSON.parse(bytes.toString("utf8")));
  if (!parsed.success) throw new Failure("input_invalid", { detail: parsed.error.message });
  return parsed.data;
}

async function sendRaw(response: ServerResponse, shape: EndpointShape, reply: RawReply): Promise<void> {
  const mediaType = hasRawResult(shape) ? shape.result.mediaType : "application/json";
  response.writeHead(reply.options.status ?? shape.status, { "content-type": mediaType, ...reply.options.headers });
  if (typeof reply.body === "string" || reply.body instanceof Uint8Array) return void response.end(reply.body);
  for await (const chunk of reply.body) response.write(chunk);
  if (reply.options.hangUp) response.destroy();
  else response.end();
}

function sendProblem(response: ServerResponse, failure: Failure): void {
  response.writeHead(failure.status, { "content-type": "application/problem+json" });
  response.end(JSON.stringify(problemOf(failure)));
}

function match(method: string, pathname: string): { readonly shape: EndpointShape; readonly params: Record<string, string> } | undefined {
  for (const shape of publicEndpoints) {
    if (shape.method !== method) continue;
    const names: string[] = [];
    const pattern = shape.path.replace(/:(\w+)|\*/g, (text, name: string | undefined) => {
      names.push(name ?? "*");
      return text === "*" ? "(.*)" : "([^/]+)";
    });
    const groups = new RegExp(`^${pattern}$`).exec(pathname);
    if (groups === null) continue;
    return { shape, params: Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(groups[index + 1] ?? "")])) };
  }
  return undefined;
}
