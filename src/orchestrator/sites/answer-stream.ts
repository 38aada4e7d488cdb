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
export function streamOf(call: StreamingCall, epochs: EpochTable, make: (signal: AbortSignal) => AsyncIterable<string>): Readable {
  const access = epochs.watch(call.caller, call.siteId);
  // A generator that was never read has no end to release in.
  call.signal.addEventListener("abort", access.release, { once: true });
  const texts = make(AbortSignal.any([call.signal, access.signal]));
  // Read only once it is sent: then the head stands ready. The small mark keeps what a slow reader has waiting in the feed, where it is bounded.
  return Readable.from(withHead(call.reply, texts, access.release), { objectMode: false, highWaterMark: 16 * 1024 });
}

async function* withHead(reply: FastifyReply, texts: AsyncIterable<string>, release: () => void): AsyncGenerator<string> {
  try {
    reply.raw.flushHeaders();
    yield* texts;
  } finally {
    release();
  }
}
