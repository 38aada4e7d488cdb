import { type CallInput, type ClientOptions, type InputOf, pathOf } from "#contract/client.ts";
import { type EndpointShape, hasRawBody, hasRawResult, type ResultOf } from "#contract/endpoint.ts";
import { Failure, failureOf } from "#contract/failure.ts";
import type { AnswerHead } from "./answer-head.ts";
import { BodySender } from "./body-sender.ts";
import type { ByteLink, Sink } from "./byte-link.ts";
import { type LinkPool, poolOf } from "./link-pool.ts";

/** Where and as whom a client calls; see `ClientOptions`. */
export type ByteClientOptions = Pick<ClientOptions, "baseUrl" | "token" | "peer">;

/** The bytes of an answer: taken by one who calls `flow` once, or `next` until it gives null. */
export interface AnswerBody {
  readonly length: number;
  /** Sends everything to a sink. */
  flow(sink: Sink): Promise<void>;
  /** The next piece, good until this is called again; null at the end. */
  next(): Promise<Buffer | null>;
}

interface Answered {
  readonly link: ByteLink;
  readonly head: AnswerHead;
  /** The call's signal does not matter to the connection any more. */
  end(): void;
}

/**
 * A typed client for much traffic between our own processes, where `fetch` takes more processor time than everything else: the same table of
 * endpoints, over connections of its own, with answers whose length is told (all but events and the like).
 */
export class ByteClient {
  readonly #options: ByteClientOptions;
  readonly #pool: LinkPool;
  readonly #host: string;

  constructor(options: ByteClientOptions) {
    this.#options = options;
    this.#pool = poolOf(options.baseUrl);
    this.#host = new URL(options.baseUrl).host;
  }

  /** Calls an endpoint with a JSON answer, or none; throws a `Failure` for every other answer. */
  async call<E extends EndpointShape>(shape: E, input: InputOf<E>): Promise<ResultOf<E>> {
    // Each endpoint's own input is one of these.
    const answered = await this.#ask(shape, input as CallInput);
    const text = (await gathered(this.#bodyOf(answered, (input as CallInput).signal))).toString("utf8");
    if (shape.result === undefined || hasRawResult(shape)) return undefined as ResultOf<typeof shape>;
    // Parsed at the edge by the same schema that the server validated with.
    return (shape.result as { parse(body: unknown): unknown }).parse(JSON.parse(text)) as ResultOf<typeof shape>;
  }

  /** Calls an endpoint whose answer is bytes. */
  async read<E extends EndpointShape>(shape: E, input: InputOf<E>): Promise<AnswerBody> {
    return this.#bodyOf(await this.#ask(shape, input as CallInput), (input as CallInput).signal);
  }

  async #ask(shape: EndpointShape, input: CallInput): Promise<Answered> {
    const { signal } = input;
    signal?.throwIfAborted();
    const token = await this.#options.token?.(shape, input);
    const head = this.#headOf(shape, input, token);
    // It may have been ended while the token was made: nothing tells of that once more.
    signal?.throwIfAborted();
    for (let { link, isReused } = this.#pool.take(); ; link = this.#pool.open(), isReused = false) {
      try {
        return await this.#exchange(link, { shape, input, head });
      } catch (error) {
        if (error instanceof Failure || error instanceof SourceError || signal?.aborted === true) throw error instanceof SourceError ? error.cause : error;
        // The server closed it while it was idle: nothing has happened yet.
        if (isReused && shape.method === "GET") continue;
        throw new Failure("component_away", { component: this.#options.peer ?? "server" }, { cause: error });
      }
    }
  }

  async #exchange(link: ByteLink, asked: { readonly shape: EndpointShape; readonly input: CallInput; readonly head: string }): Promise<Answered> {
    const { shape, input, head } = asked;
    const { signal } = input;
    const onAbort = (): void => link.destroy(signal?.reason instanceof Error ? signal.reason : new Error("the call was ended"));
    signal?.addEventListener("abort", onAbort, { once: true });
    const end = (): void => signal?.removeEventListener("abort", onAbort);
    let answered: Answered;
    try {
      const answer = link.begin();
      const sender = send(link, { shape, body: input.body, head });
      answered = { link, head: await answer, end };
      // Answered before all of the body was sent: it was refused.
      if (sender?.isDone === false) link.spoil();
      sender?.stop();
    } catch (error) {
      end();
      link.destroy(new Error("the call failed"));
      throw error;
    }
    if (answered.head.status < 400) return answered;
    // Once it is read the connection is as good as after any other answer: a door asks for much that is not there.
    throw failureOf(answered.head.status, parsed(await gathered(this.#bodyOf(answered, signal))));
  }

  #bodyOf({ link, head, end }: Answered, signal: AbortSignal | undefined): AnswerBody {
    const flow = async (sink: Sink): Promise<void> => {
      try {
        await link.receive(sink);
      } catch (cause) {
        if (signal?.aborted === true) throw signal.reason;
        throw new Failure("component_away", { component: this.#options.peer ?? "server" }, { cause });
      } finally {
        end();
      }
      this.#pool.give(link);
    };
    return { length: head.length, flow, next: pieceByPiece(flow) };
  }

  #headOf(shape: EndpointShape, input: CallInput, token: string | undefined): string {
    const fields = [`${shape.method} ${pathOf(shape, input)} HTTP/1.1`, `host: ${this.#host}`];
    if (token !== undefined) fields.push(`authorization: Bearer ${token}`);
    if (shape.body !== undefined && input.body !== undefined) fields.push(`content-type: ${hasRawBody(shape) ? shape.body.mediaType : "application/json"}`);
    for (const [name, value] of Object.entries(input.headers ?? {})) fields.push(`${name}: ${value}`);
    if (fields.some((field) => /[\r\n]/.test(field))) throw new Error("a field of a request has two lines");
    return `${fields.join("\r\n")}\r\n`;
  }
}

// What the source of a body threw: that the other side is away would be a lie.
class SourceError extends Error {}

function send(
  link: ByteLink,
  request: { readonly shape: EndpointShape; readonly body: unknown; readonly head: string },
): { readonly isDone: boolean; stop(): void } | undefined {
  const { shape, body, head } = request;
  const isRaw = hasRawBody(shape);
  if (isRaw && isSource(body)) {
    const sender = new BodySender(link, head);
    const state = { isDone: false, stop: () => sender.stop() };
    sender.sendAll(body).then(
      () => {
        state.isDone = true;
      },
      (cause: unknown) => {
        sender.stop();
        link.destroy(new SourceError("the source failed", { cause }));
      },
    );
    return state;
  }
  const bytes = Buffer.from(body === undefined ? "" : isRaw ? String(body) : JSON.stringify(body));
  link.write(`${head}${shape.body === undefined ? "" : `content-length: ${bytes.length}\r\n`}\r\n`, ...(bytes.length > 0 ? [bytes] : []));
  return undefined;
}

function isSource(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}

async function gathered(body: AnswerBody): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await body.flow((piece, done) => {
    pieces.push(Buffer.from(piece));
    done();
  });
  return Buffer.concat(pieces);
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    // No problem document: its status has to do.
    return undefined;
  }
}

function pieceByPiece(flow: AnswerBody["flow"]): AnswerBody["next"] {
  const waiting: { readonly piece: Buffer; readonly done: () => void }[] = [];
  let state: { readonly error: unknown } | "new" | "open" | "ended" = "new";
  let held: (() => void) | undefined;
  let wake: (() => void) | undefined;
  const settle = (ended: { readonly error: unknown } | "ended"): void => {
    state = ended;
    wake?.();
  };
  const begin = (): void => {
    state = "open";
    const flown = flow((piece, done) => {
      waiting.push({ piece, done });
      wake?.();
    });
    flown.then(
      () => settle("ended"),
      (error: unknown) => settle({ error }),
    );
  };
  return async () => {
    if (state === "new") begin();
    held?.();
    held = undefined;
    while (true) {
      const first = waiting.shift();
      if (first !== undefined) {
        held = first.done;
        return first.piece;
      }
      if (state === "ended") return null;
      if (typeof state === "object") throw state.error;
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await promise;
    }
  };
}
