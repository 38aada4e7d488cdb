import { Readable } from "node:stream";
import type { GrantClaims } from "#contract/grant.ts";
import type { EpochTable } from "#kit/epochs.ts";

interface StreamingCall {
  readonly caller: GrantClaims;
  readonly signal: AbortSignal;
  readonly siteId?: number;
}

/** An answer that goes on until the caller leaves or may not read it any more. */
export async function streamOf(
  call: StreamingCall,
  epochs: EpochTable,
  make: (signal: AbortSignal) => AsyncIterable<string> | Promise<AsyncIterable<string>>,
): Promise<Readable> {
  const access = epochs.watch(call.caller, call.siteId);
  const end = new AbortController();
  const signal = AbortSignal.any([call.signal, access.signal, end.signal]);
  if (signal.aborted) access.release();
  else signal.addEventListener("abort", access.release, { once: true });
  try {
    // The small mark keeps what a slow reader has waiting in the feed, where it is bounded.
    const stream = Readable.from(await make(signal), { objectMode: false, highWaterMark: 16 * 1024 });
    // Also where nobody ever read it: a generator that was not begun does not come to its `finally`.
    stream.once("close", () => end.abort());
    return stream;
  } catch (cause) {
    end.abort();
    throw cause;
  }
}
