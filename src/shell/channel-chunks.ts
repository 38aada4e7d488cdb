import type { Readable } from "node:stream";

/**
 * What comes through a channel of SSH, until its end. A client that closes it in the middle has only left: that is an end, too.
 * Waits by events: a race against a promise of the end would keep every chunk in memory until that end.
 */
export async function* chunksOf(channel: Readable): AsyncGenerator<Buffer> {
  let isClosed = channel.destroyed;
  let wake: (() => void) | undefined;
  const onNews = (): void => wake?.();
  const onClose = (): void => {
    isClosed = true;
    wake?.();
  };
  channel.on("readable", onNews).once("end", onNews).once("close", onClose);
  try {
    while (true) {
      const chunk: Buffer | null = channel.read();
      if (chunk !== null) {
        yield chunk;
        continue;
      }
      if (isClosed || channel.readableEnded) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await promise;
    }
  } finally {
    channel.off("readable", onNews).off("end", onNews).off("close", onClose);
  }
}
