import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import type { GrantClaims } from "#contract/grant.ts";
import type { EpochTable } from "#kit/epochs.ts";

interface StreamingCall {
  readonly caller: GrantClaims;
  readonly signal: AbortSignal;
  readonly reply: FastifyReply;
  readonly siteId?: number;
}

/** An answer that goes on until the caller leaves or may not read it any more. Its head is sent at once, before there is anything to say. */
export async function streamOf(
  call: StreamingCall,
  epochs: EpochTable,
  make: (signal: AbortSignal) => AsyncIterable<string> | Promise<AsyncIterable<string>>,
): Promise<Readable> {
  const access = epochs.watch(call.caller, call.siteId);
  const end = new AbortController();
  const signal = AbortSignal.any([call.signal, access.signal, end.signal]);
  signal.addEventListener("abort", access.release, { once: true });
  try {
    const texts = await make(signal);
    // The small mark keeps what a slow reader has waiting in the feed, where it is bounded.
    return Readable.from(
      withHead(call.reply, texts, () => end.abort()),
      { objectMode: false, highWaterMark: 16 * 1024 },
    );
  } catch (cause) {
    end.abort();
    throw cause;
  }
}

// Read only once it is being sent: then the head stands ready.
async function* withHead(reply: FastifyReply, texts: AsyncIterable<string>, end: () => void): AsyncGenerator<string> {
  try {
    reply.raw.flushHeaders();
    yield* texts;
  } finally {
    end();
  }
}
