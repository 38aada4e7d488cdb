import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import fastify, { type FastifyBaseLogger, type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from "fastify";
import { Failure, type FailureCode, problemOf } from "#contract/failure.ts";
import type { Log } from "../log.ts";
import { limitConnections } from "./connection-limit.ts";
import { closeQueued } from "./queued-responses.ts";
import { maxHeadBytes, refuseConnect, refuseMalformed } from "./refuse-malformed.ts";
import { drainUnread } from "./unread-body.ts";
import { bodyPace, readWhole } from "./whole-body.ts";

/** A connection on which nothing moves either way ends: our own clients give up after five minutes. */
const silentMs = 600_000;
/** Longest part of a path, in characters: a file's whole path inside a site fits. */
const maxParamLength = 5000;

/** How long a client may take, in milliseconds, and how many connections there may be. */
export interface ServerLimits {
  readonly headMs: number;
  /** A JSON body without a byte, and from its first byte to its last. Uploads and streams take as long as they move. */
  readonly stallMs: number;
  readonly bodyMs: number;
  /** At once. */
  readonly connections: number;
}

/** What a server needs to start. */
export interface ServerOptions {
  readonly log: Log;
  /** Says whether the process can do its work; a text is the reason why not yet. */
  readonly ready?: () => Promise<true | string> | true | string;
  /** Prometheus text for `/metrics`. */
  readonly metrics?: () => Promise<string> | string;
  /** Answers what no route does; `not_found` unless given. */
  readonly notFound?: (request: FastifyRequest, reply: FastifyReply) => FastifyReply;
  /** A proxy stands right before this server: what it added to `X-Forwarded-For`, the last entry, is the client's address. */
  readonly trustProxy?: boolean;
  readonly limits?: Partial<ServerLimits>;
}

/** A Fastify server of this house: problem documents, request ids, raw bodies left unread, `/healthz`, `/readyz` and `/metrics`. */
export function createServer(options: ServerOptions): FastifyInstance {
  // Typed as Fastify's own logger: with pino's type every signature of the server would carry it.
  const logger: FastifyBaseLogger = options.log;
  const { headMs = 20_000, connections, ...pace } = options.limits ?? {};
  const app: FastifyInstance = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    trustProxy: options.trustProxy === true ? isNearest : false,
    routerOptions: { ignoreTrailingSlash: false, maxParamLength },
    forceCloseConnections: true,
    // Slow heads end, and so do slow bodies of JSON; uploads may take as long as they move (Node's `requestTimeout` covers the whole request).
    requestTimeout: 0,
    connectionTimeout: silentMs,
    keepAliveTimeout: 72_000,
    http: {
      headersTimeout: headMs,
      connectionsCheckingInterval: Math.min(5_000, headMs),
      maxHeaderSize: maxHeadBytes,
      // Node would refuse it without a word.
      requireHostHeader: false,
      // Whoever offers another protocol (curl: h2c) gets an ordinary answer, and so does everyone where there are no sockets, and whoever sends a
      // body: nothing of it would be read.
      shouldUpgradeCallback: ({ headers, method }) =>
        method === "GET" && headers.upgrade?.toLowerCase() === "websocket" && app.server.listenerCount("upgrade") > 0,
    },
    // What fails before there is a route: no error handler of a route is asked then.
    clientErrorHandler: refuseMalformed,
    frameworkErrors: (_error, request, reply) => void sendFailure(reply, unusableAddress(request.raw.url ?? "")),
  });
  app.server.on("connect", refuseConnect);
  closeQueued(app.server);
  limitConnections(app, options.log, connections);
  app.addHook("onRequest", async ({ raw }) => {
    if (raw.headers.host === undefined && raw.httpVersion === "1.1") throw new Failure("request_malformed", { reason: "it names no host" });
  });
  parseJsonOnly(app, { ...bodyPace, ...pace });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(options.notFound ?? ((_request, reply) => sendFailure(reply, new Failure("not_found"))));
  app.addHook("onSend", async (request, reply) => {
    reply.header("x-request-id", request.id);
  });
  app.addHook("onResponse", async (request, reply) => {
    drainUnread(request.raw);
    request.log.debug({ method: request.method, route: request.routeOptions.url, status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, "request");
  });
  app.get("/healthz", async () => "ok\n");
  app.get("/readyz", async (_request, reply) => {
    const ready = (await options.ready?.()) ?? true;
    return ready === true ? "ok\n" : reply.code(503).send(`${ready}\n`);
  });
  app.get("/metrics", async (_request, reply) => reply.type("text/plain; version=0.0.4").send((await options.metrics?.()) ?? processMetrics()));
  return app;
}

/** Sends a failure as a problem document. */
export function sendFailure(reply: FastifyReply, failure: Failure): FastifyReply {
  const retryAfter = failure.details.retryAfterSeconds;
  if (typeof retryAfter === "number") reply.header("retry-after", String(retryAfter));
  return reply
    .code(failure.status)
    .type("application/problem+json")
    .send(JSON.stringify(problemOf(failure, reply.request.id)));
}

function unusableAddress(address: string): Failure {
  const reason = address.length > maxParamLength ? "a part of it is too long" : "it is not correctly percent-encoded";
  return new Failure("path_invalid", { path: address.slice(0, 200), reason });
}

/** Memory and uptime of this process in Prometheus' text format. */
export function processMetrics(): string {
  const memory = process.memoryUsage();
  return `process_resident_memory_bytes ${memory.rss}\nnodejs_heap_used_bytes ${memory.heapUsed}\nprocess_uptime_seconds ${process.uptime().toFixed(1)}\n`;
}

// Proxies add to what a client sends: only the last entry is the proxy's own word. (Fastify's `true` believes the first one, and its number of hops none.)
function isNearest(_address: string, hop: number): boolean {
  return hop === 0;
}

// JSON is parsed here; everything else stays a stream for the handler that asked for raw bytes.
function parseJsonOnly(app: FastifyInstance, pace: typeof bodyPace): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", async (request: FastifyRequest, payload: Readable): Promise<unknown> => {
    const { config, bodyLimit: mostBytes = 0 } = request.routeOptions;
    // A JSON file that somebody uploads is bytes.
    if (isRaw(config)) return undefined;
    if (Number(request.headers["content-length"]) > mostBytes) throw new Failure("body_too_large", { limitBytes: mostBytes });
    const text = (await readWhole(payload, { mostBytes, ...pace })).toString("utf8");
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new Failure("body_malformed", { detail: cause instanceof Error ? cause.message : "" }, { cause });
    }
  });
  app.addContentTypeParser("*", (_request, _payload, done) => done(null, undefined));
}

function isRaw(config: object): boolean {
  // Put there by `mount`.
  const body = (config as { readonly endpoint?: { readonly body?: unknown } }).endpoint?.body;
  return typeof body === "object" && body !== null && "raw" in body;
}

const fastifyCodes: Readonly<Record<string, FailureCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "body_too_large",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "media_type_unsupported",
  FST_ERR_CTP_EMPTY_JSON_BODY: "body_malformed",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "upload_incomplete",
};

function answerError(error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof Failure) return sendFailure(reply, error);
  const code = "code" in error && typeof error.code === "string" ? fastifyCodes[error.code] : undefined;
  if (code === "body_too_large") return sendFailure(reply, new Failure(code, { limitBytes: request.routeOptions.bodyLimit ?? 0 }));
  if (code === "media_type_unsupported") return sendFailure(reply, new Failure(code, { expected: "application/json" }));
  if (code !== undefined) return sendFailure(reply, new Failure(code, { detail: error.message }));
  request.log.error({ err: error }, "request failed unexpectedly");
  return sendFailure(reply, new Failure("internal", { requestId: request.id }));
}
