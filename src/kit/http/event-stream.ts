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
  let state: "new" | "open" | "waiting" = "new";
  // One timer and one listener for the whole stream: a log may have ten thousand events a second.
  let heartbeat: NodeJS.Timeout | undefined;
  const end = (): void => {
    clearInterval(heartbeat);
    signal.removeEventListener("abort", end);
    stream.push(null);
  };
  const open = (): void => {
    state = "open";
    signal.addEventListener("abort", end, { once: true });
    heartbeat = setInterval(() => {
      // A client that does not even take what is there needs no more.
      if (stream.readableLength === 0) stream.push(": still here\n\n");
    }, heartbeatMs);
    heartbeat.unref();
    // Sent at once, so that the client knows that the stream is open.
    stream.push(": open\n\n");
  };
  const ask = async (): Promise<void> => {
    state = "waiting";
    try {
      const next = await iterator.next();
      if (stream.destroyed || signal.aborted) return;
      state = "open";
      heartbeat?.refresh();
      if (next.done) end();
      else stream.push(formatEvent(next.value, idOf?.(next.value)));
    } catch (error) {
      // A source that is torn down with the stream has not failed.
      if (!signal.aborted) stream.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const stream = new Readable({
    objectMode: true,
    highWaterMark: 1,
    read: () => {
      if (state === "new") open();
      else if (signal.aborted) end();
      else if (state === "open") void ask();
    },
  });
  stream.once("close", () => {
    clearInterval(heartbeat);
    signal.removeEventListener("abort", end);
    iterator.return?.().catch(() => undefined);
  });
  return stream;
}
