import { Readable } from "node:stream";
import { formatEvent } from "#contract/events.ts";

/** A comment this often keeps proxies from closing a quiet stream, and tells us of clients that are gone. */
const heartbeatMs = 15_000;

/**
 * A `text/event-stream` body of values. The source ends it; so does the signal. What it holds back is bounded by the
 * source: the next value is asked for only when the client has taken the one before. `idOf` gives the ids from which a client can go on.
 */
export function eventStream<T>(source: AsyncIterable<T>, signal: AbortSignal, idOf?: (value: T) => string): Readable {
  const iterator = source[Symbol.asyncIterator]();
  let pending: Promise<IteratorResult<T>> | undefined;
  async function* frames(): AsyncGenerator<string> {
    // Sent at once, so that the client knows that the stream is open.
    yield ": open\n\n";
    while (!signal.aborted) {
      pending ??= endingWith(signal, iterator.next());
      const next = await Promise.race([pending, tick(signal)]);
      if (next === "heartbeat") {
        yield ": still here\n\n";
        continue;
      }
      if (next === "aborted") return;
      pending = undefined;
      if (next.done) return;
      yield formatEvent(next.value, idOf?.(next.value));
    }
  }
  const stream = Readable.from(frames());
  stream.once("close", () => {
    iterator.return?.().catch(() => undefined);
  });
  return stream;
}

// A source that is torn down with the stream has not failed.
async function endingWith<T>(signal: AbortSignal, next: Promise<IteratorResult<T>>): Promise<IteratorResult<T>> {
  try {
    return await next;
  } catch (error) {
    if (signal.aborted) return { done: true, value: undefined };
    throw error;
  }
}

function tick(signal: AbortSignal): Promise<"heartbeat" | "aborted"> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve("heartbeat"), heartbeatMs);
    timer.unref();
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve("aborted");
      },
      { once: true },
    );
  });
}
