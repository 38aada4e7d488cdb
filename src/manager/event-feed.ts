import { readEvents } from "#contract/events.ts";
import type { Log } from "#kit/log.ts";
import { backOffMs } from "#kit/retry.ts";
import { SteadyLoop } from "./steady-loop.ts";

/** A stream of server-sent events that is to be followed for as long as this process lives. */
export interface EventFeed {
  /** What it tells of, for the log. */
  readonly name: string;
  readonly open: (signal: AbortSignal) => Promise<Response>;
  /** Called with each event's data; what it throws ends the stream. */
  readonly take: (data: unknown) => void | Promise<void>;
  readonly onOpened?: () => void;
  /** Called whenever it has ended, or could not be opened. */
  readonly onLost?: () => void;
  readonly log: Log;
}

const backOff = { firstMs: 50, mostMs: 2_000 };

/** Follows a feed, and opens it again whenever it ends: at once after it was open, less and less often while it cannot be opened. */
export function followFeed(feed: EventFeed): SteadyLoop {
  let failures = 0;
  return new SteadyLoop(async (signal) => {
    failures += 1;
    try {
      const response = await feed.open(signal);
      if (response.body === null) throw new Error("the stream has no body");
      failures = 1;
      feed.onOpened?.();
      for await (const event of readEvents(response.body)) await feed.take(JSON.parse(event.data));
    } catch (err) {
      if (!signal.aborted) feed.log.debug({ err, feed: feed.name }, "a feed of events ended");
    }
    feed.onLost?.();
    return backOffMs(failures, backOff);
  });
}
