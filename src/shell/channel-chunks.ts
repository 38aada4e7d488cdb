import type { Readable } from "node:stream";

/** As much waits to be taken before the channel has to. */
const mostWaitingBytes = 256 * 1024;

/**
 * What comes through a channel of SSH, until its end, in the pieces in which it came: to read them all at once would copy them into one. A client
 * that closes it in the middle has only left: that is an end, too.
 * Waits by events: a race against a promise of the end would keep every chunk in memory until that end.
 */
export async function* chunksOf(channel: Readable): AsyncGenerator<Buffer> {
  const waiting: Buffer[] = [];
  let bytes = 0;
  let isClosed = channel.destroyed;
  let wake: (() => void) | undefined;
  const onData = (chunk: Buffer): void => {
    waiting.push(chunk);
    bytes += chunk.length;
    if (bytes >= mostWaitingBytes) channel.pause();
    wake?.();
  };
  const onNews = (): void => wake?.();
  const onClose = (): void => {
    isClosed = true;
    wake?.();
  };
  channel.on("data", onData).once("end", onNews).once("close", onClose).resume();
  try {
    while (true) {
      const chunk = waiting.shift();
      if (chunk !== undefined) {
        bytes -= chunk.length;
        if (bytes < mostWaitingBytes && channel.isPaused()) channel.resume();
        yield chunk;
        continue;
      }
      if (isClosed || channel.readableEnded) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await promise;
    }
  } finally {
    channel.off("data", onData).off("end", onNews).off("close", onClose).pause();
  }
}
