import type { z } from "zod";
import type { FailureCode } from "./failure.ts";
import type { Component, GrantVerb } from "./grant.ts";
import type { TokenScope } from "./token-scope.ts";
import type { PlatformVerb, SiteVerb } from "./verb.ts";

/**
 * Who may call an endpoint.
 * - `anyone`: no sign-in (health, sign-in itself).
 * - `signed-in`: any person.
 * - `platform`: a person to whom policy grants a verb on the installation.
 * - `site`: a person to whom policy grants a verb on the site named by `:name`; anyone else gets 404.
 * - `operation`: a person who may read the site of the operation `:id`, or who asked for it.
 * - `task`, `schedule`: a person who may see (`read`) or change (`control`) the task `:uid` or the schedule `:id`; anyone else gets 404.
 * - `component`: another process, with a grant for this verb.
 */
export type Access =
  | { readonly kind: "anyone" }
  | { readonly kind: "signed-in"; readonly scope: TokenScope }
  | { readonly kind: "platform"; readonly verb: PlatformVerb; readonly scope: TokenScope }
  | { readonly kind: "site"; readonly verb: SiteVerb; readonly scope: TokenScope }
  | { readonly kind: "operation"; readonly scope: TokenScope }
  | { readonly kind: "task"; readonly act: "read" | "control"; readonly scope: TokenScope }
  | { readonly kind: "schedule"; readonly act: "read" | "control"; readonly scope: TokenScope }
  | { readonly kind: "component"; readonly callers: readonly Component[]; readonly verb: GrantVerb };

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** A body that is not JSON: bytes are streamed to the handler, never buffered. */
export interface RawBody {
  readonly raw: "bytes";
  readonly mediaType: "application/octet-stream" | "application/gzip";
}

/** An answer that is not JSON. `events` is a stream of server-sent events whose data is JSON; `socket` a WebSocket. */
export interface RawResult {
  readonly raw: "bytes" | "text" | "events" | "socket";
  readonly mediaType: string;
  /** For `events`: the shape of one event's data. */
  readonly event?: z.ZodType;
}

/** One description of an endpoint: it serves the validator, the typed client and the documentation. */
export interface EndpointShape {
  /** Unique, stable, `noun.verb`: the operationId of the OpenAPI document and the key of the handler table. */
  readonly id: string;
  readonly method: Method;
  /** Fastify's syntax: `/api/v1/sites/:name`, with a final `*` for the rest of the path. */
  readonly path: `/${string}`;
  readonly summary: string;
  readonly access: Access;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType | RawBody;
  /** Limit of the request body in bytes; JSON bodies have 64 KiB by default. */
  readonly bodyLimitBytes?: number;
  /** Absent: no content. */
  readonly result?: z.ZodType | RawResult;
  readonly status: 200 | 201 | 202 | 204;
  /** Failures worth naming in the documentation, beside those that every endpoint can have. */
  readonly failures?: readonly FailureCode[];
}

/** Declares an endpoint, keeping its literal types for handlers and clients. */
export function endpoint<const E extends EndpointShape>(shape: E): E {
  return shape;
}

/** What a handler receives as parameters of the path. */
export type ParamsOf<E extends EndpointShape> = E extends { readonly params: infer P extends z.ZodType } ? z.output<P> : Record<never, never>;
/** What a handler receives as query. */
export type QueryOf<E extends EndpointShape> = E extends { readonly query: infer Q extends z.ZodType } ? z.output<Q> : Record<never, never>;
/** What a caller may give as query (defaults may be left out). */
export type QueryInputOf<E extends EndpointShape> = E extends { readonly query: infer Q extends z.ZodType } ? z.input<Q> : Record<never, never>;
/** What a handler receives as body: the parsed JSON, or nothing for raw and absent bodies. */
export type BodyOf<E extends EndpointShape> = E extends { readonly body: infer B extends z.ZodType } ? z.output<B> : undefined;
/** What a caller gives as JSON body. */
export type BodyInputOf<E extends EndpointShape> = E extends { readonly body: infer B extends z.ZodType } ? z.input<B> : undefined;
/** The JSON answer; `undefined` for raw and absent answers. */
export type ResultOf<E extends EndpointShape> = E extends { readonly result: infer R extends z.ZodType } ? z.output<R> : undefined;
/** What a handler returns for a JSON answer. */
export type ResultInputOf<E extends EndpointShape> = E extends { readonly result: infer R extends z.ZodType } ? z.input<R> : undefined;

/** Whether an endpoint's body is streamed bytes. */
export function hasRawBody(shape: EndpointShape): shape is EndpointShape & { readonly body: RawBody } {
  return shape.body !== undefined && "raw" in shape.body;
}

/** Whether an endpoint's answer is bytes, text or events. */
export function hasRawResult(shape: EndpointShape): shape is EndpointShape & { readonly result: RawResult } {
  return shape.result !== undefined && "raw" in shape.result;
}
