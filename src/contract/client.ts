import type { BodyInputOf, EndpointShape, ParamsOf, QueryInputOf, ResultOf } from "./endpoint.ts";
import { hasRawBody, hasRawResult } from "./endpoint.ts";
import { Failure, failureOf } from "./failure.ts";

/** Where and as whom a client calls. */
export interface ClientOptions {
  /** Without a trailing slash: `http://127.0.0.1:8000`; "" in a browser for the same origin. */
  readonly baseUrl: string;
  /** Gives the bearer token for a call; absent in a browser, which has its cookie. */
  readonly token?: (shape: EndpointShape, input: CallInput) => string | undefined | Promise<string | undefined>;
  readonly fetch?: typeof fetch;
  /** How the other side is called in `component_away`: "manager". */
  readonly peer?: string;
}

/** What a call carries, before it is typed by its endpoint. */
export interface CallInput {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

type Payload = NonNullable<RequestInit["body"]>;
/** Bytes to send: anything that fetch takes, or an async iterable of chunks (in Node). */
export type RawPayload = Payload | AsyncIterable<Uint8Array>;

type IfAny<T, Field> = keyof T extends never ? unknown : Field;
/** What a call to this endpoint has to carry. Bytes are given as `body` of any kind that fetch takes. */
export type InputOf<E extends EndpointShape> = Omit<CallInput, "params" | "query" | "body"> &
  IfAny<ParamsOf<E>, { readonly params: Readonly<Record<keyof ParamsOf<E>, string | number>> }> &
  IfAny<QueryInputOf<E>, { readonly query?: Readonly<Partial<Record<keyof QueryInputOf<E>, string | number | boolean | readonly string[] | undefined>>> }> &
  (BodyInputOf<E> extends undefined ? { readonly body?: RawPayload } : { readonly body: BodyInputOf<E> });

/** A typed client of any table of endpoints. */
export interface Client {
  /** Calls an endpoint with a JSON answer; throws a `Failure` for every other answer. */
  call<E extends EndpointShape>(shape: E, input: InputOf<E>): Promise<ResultOf<E>>;
  /** Calls an endpoint and hands out the answer as it is, for bytes, text and events; throws a `Failure` when it is not a success. */
  fetch<E extends EndpointShape>(shape: E, input: InputOf<E>): Promise<Response>;
}

/** Makes a client. It knows nothing but the endpoint's description: path, query, body and answer follow from it. */
export function createClient(options: ClientOptions): Client {
  const send = async (shape: EndpointShape, input: CallInput): Promise<Response> => {
    const response = await request(options, shape, input);
    if (response.ok || response.status === 304) return response;
    const body: unknown = await response.json().catch(() => undefined);
    throw failureOf(response.status, body);
  };
  return {
    call: async (shape, input) => {
      const response = await send(shape, input as CallInput);
      if (shape.result === undefined || hasRawResult(shape)) {
        await response.body?.cancel();
        return undefined as ResultOf<typeof shape>;
      }
      const body: unknown = await response.json().catch((cause: unknown) => {
        // Cut off in its middle, it is as good as none; what is no JSON was said by somebody else.
        if (input.signal?.aborted || cause instanceof SyntaxError) throw cause;
        throw new Failure("component_away", { component: options.peer ?? "server" }, { cause });
      });
      // Parsed at the edge by the same schema that the server validated with.
      return (shape.result as { parse(body: unknown): unknown }).parse(body) as ResultOf<typeof shape>;
    },
    fetch: (shape, input) => send(shape, input as CallInput),
  };
}

async function request(options: ClientOptions, shape: EndpointShape, input: CallInput): Promise<Response> {
  const headers = new Headers(input.headers);
  const token = await options.token?.(shape, input);
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  let body: Payload | undefined;
  if (shape.body !== undefined && input.body !== undefined) {
    headers.set("content-type", hasRawBody(shape) ? shape.body.mediaType : "application/json");
    // Streams of bytes go through as they are; fetch in Node takes async iterables too.
    body = hasRawBody(shape) ? (input.body as Payload) : JSON.stringify(input.body);
  }
  const init: RequestInit & { duplex?: "half" } = { method: shape.method, headers, redirect: "manual" };
  if (body !== undefined) {
    init.body = body;
    init.duplex = "half";
  }
  if (input.signal !== undefined) init.signal = input.signal;
  try {
    return await (options.fetch ?? fetch)(`${options.baseUrl}${pathOf(shape, input)}`, init);
  } catch (cause) {
    if (input.signal?.aborted) throw cause;
    throw new Failure("component_away", { component: options.peer ?? "server" }, { cause });
  }
}

/** Fills an endpoint's path: parameters are percent-encoded, `*` segment by segment. */
export function pathOf(shape: EndpointShape, input: CallInput): string {
  const params = input.params ?? {};
  const path = shape.path.replace(/:(\w+)|\*/g, (match, name: string | undefined) => {
    const value = String(params[name ?? "*"]);
    return match === "*" ? value.split("/").map(encodeURIComponent).join("/") : encodeURIComponent(value);
  });
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(input.query ?? {})) {
    if (value !== undefined) for (const each of Array.isArray(value) ? value : [value]) query.append(name, String(each));
  }
  const search = query.toString();
  return search === "" ? path : `${path}?${search}`;
}
