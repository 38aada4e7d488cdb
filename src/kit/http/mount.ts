import { Readable, type Writable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { type BodyOf, type EndpointShape, hasRawBody, hasRawResult, type ParamsOf, type QueryOf, type ResultInputOf } from "#contract/endpoint.ts";
import { Failure } from "#contract/failure.ts";
import { parseInput } from "./parse-input.ts";

/** What a handler gets: everything parsed, nothing trusted left. */
export interface Call<E extends EndpointShape, Caller> {
  readonly params: ParamsOf<E>;
  readonly query: QueryOf<E>;
  readonly body: BodyOf<E>;
  readonly caller: Caller;
  /** The raw request body, for endpoints with a raw body. Nothing of it has been read yet. */
  readonly stream: Readable;
  /** Aborted when the client goes away before the answer is complete. */
  readonly signal: AbortSignal;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** An answer that says more than its value: another success status, headers, or a raw body. */
export class Answer<T = unknown> {
  readonly value: T;
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[]>>;

  constructor(value: T, options: { readonly status?: number; readonly headers?: Readonly<Record<string, string | string[]>> } = {}) {
    this.value = value;
    this.status = options.status;
    this.headers = options.headers ?? {};
  }
}

/** A raw answer's body that writes itself: for much of it, where a stream would take more processor time than the bytes. */
export class Poured {
  /** Resolves when everything is out; the answer is cut off when it rejects. It has to end soon after `out` has closed. */
  readonly into: (out: Writable) => Promise<void>;

  constructor(into: (out: Writable) => Promise<void>) {
    this.into = into;
  }
}

/** A raw answer's body: bytes, text or a stream of them. */
export type RawAnswer = string | Uint8Array | Readable | Poured | AsyncIterable<string | Uint8Array>;
type Result<E extends EndpointShape> = E extends { readonly result: z.ZodType }
  ? ResultInputOf<E> | Answer<ResultInputOf<E>>
  : E extends { readonly result: unknown }
    ? RawAnswer | Answer<RawAnswer | undefined>
    : undefined | Answer<undefined>;

/** Does what an endpoint promises. */
export type Handler<E extends EndpointShape, Caller> = (call: Call<E, Caller>) => Promise<Result<E>>;

/** Says who is calling, or throws: runs on the request's head, before any of the body is read. */
export type Guard<Caller> = (shape: EndpointShape, request: FastifyRequest) => Promise<Caller>;

/** JSON bodies are small; an endpoint that takes more says so. */
export const defaultJsonLimitBytes = 64 * 1024;

/** Serves one endpoint: guard on the head, then body, query and parameters by their schemas, then the handler. */
export function mount<const E extends EndpointShape, Caller>(
  at: { readonly app: FastifyInstance; readonly guard: Guard<Caller> },
  shape: E,
  handler: Handler<E, Caller>,
): void {
  const { app, guard } = at;
  const callers = new WeakMap<FastifyRequest, Caller>();
  app.route({
    method: shape.method,
    url: shape.path,
    bodyLimit: shape.bodyLimitBytes ?? defaultJsonLimitBytes,
    config: { endpoint: shape },
    exposeHeadRoute: false,
    onRequest: async (request) => {
      callers.set(request, await guard(shape, request));
      checkMediaType(shape, request);
    },
    handler: async (request, reply) => {
      const caller = callers.get(request) as Caller;
      const call = {
        params: parseInput(shape.params, request.params),
        query: parseInput(shape.query, request.query),
        body: shape.body === undefined || hasRawBody(shape) ? undefined : parseInput(shape.body as z.ZodType, request.body),
        caller,
        stream: request.raw,
        signal: signalOf(request, reply),
        request,
        reply,
      };
      // The parts were parsed by the shape's own schemas just above.
      const result: unknown = await handler(call as Call<E, Caller>);
      return send(shape, reply, result);
    },
  });
}

function send(shape: EndpointShape, reply: FastifyReply, result: unknown): FastifyReply {
  const answer = result instanceof Answer ? result : new Answer(result);
  reply.code(answer.status ?? shape.status).headers(answer.headers);
  if (shape.result === undefined || answer.value === undefined) return reply.send();
  if (hasRawResult(shape)) {
    if (!reply.hasHeader("content-type")) reply.type(shape.result.mediaType);
    if (answer.value instanceof Poured) return pour(reply, answer.value);
    if (shape.result.raw === "events") reply.header("cache-control", "no-store").header("x-accel-buffering", "no");
    if (shape.result.raw !== "bytes") flushHead(reply);
    return reply.send(streamed(answer.value));
  }
  return reply.send((shape.result as z.ZodType).parse(answer.value));
}

// Past Fastify's own way of sending, its last hook (the request's id) included.
function pour(reply: FastifyReply, poured: Poured): FastifyReply {
  const { raw, request } = reply;
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
  raw.setHeader("x-request-id", request.id);
  raw.statusCode = reply.statusCode;
  reply.hijack();
  poured.into(raw).then(
    () => raw.end(),
    (err: unknown) => {
      if (!raw.destroyed) request.log.info({ err }, "an answer was cut off");
      raw.destroy();
    },
  );
  return reply;
}

// Fastify sends only what it knows as a stream; any other async iterable would go out as `{}`.
function streamed(value: unknown): unknown {
  const isIterable = typeof value === "object" && value !== null && Symbol.asyncIterator in value;
  return isIterable && !(value instanceof Readable) ? Readable.from(value as AsyncIterable<string | Uint8Array>) : value;
}

// A stream may have nothing to say for long; its client learns at once that it is open.
function flushHead(reply: FastifyReply): void {
  setImmediate(() => {
    if (!reply.raw.headersSent && reply.raw.hasHeader("content-type")) reply.raw.flushHeaders();
  });
}

function checkMediaType(shape: EndpointShape, request: FastifyRequest): void {
  if (shape.body === undefined) return;
  const given = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  if (hasRawBody(shape)) return;
  if (given !== "application/json") throw new Failure("media_type_unsupported", { expected: "application/json" });
}

function signalOf(request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const leave = (): void => {
    if (!reply.raw.writableFinished) controller.abort(new Error("the client went away"));
  };
  reply.raw.once("close", leave);
  // It may have gone while the guard looked who it is.
  if (reply.raw.closed || reply.raw.destroyed) leave();
  request.raw.once("error", (error) => controller.abort(error));
  return controller.signal;
}
