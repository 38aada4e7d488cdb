/** A stream that is followed until what it tells of has ended. */
export interface Following {
  /** Follows once, and tells whether the stream has come to a clean end; otherwise it was let go on our side. */
  readonly follow: () => Promise<boolean>;
  readonly hasEnded: () => Promise<boolean>;
  readonly onLost: (error: unknown) => void;
  /** Waits before the next time. */
  readonly pause: () => Promise<void>;
  readonly stop: AbortSignal;
}

/**
 * Follows over and over; true when the end was reached, false when it was stopped. A clean end of the stream is not the end of what it tells
 * of: the server ends it when it restarts, too, and when the person's rights are renewed.
 */
export async function followToEnd({ follow, hasEnded, onLost, pause, stop }: Following): Promise<boolean> {
  let isKnownEnded = false;
  while (!stop.aborted) {
    try {
      const isClean = await follow();
      if (stop.aborted) return false;
      if (isClean && isKnownEnded) return true;
      isKnownEnded ||= await hasEnded();
      // It may have ended after this stream did: what came between is in the next one, which is there at once.
      if (isClean && isKnownEnded) continue;
    } catch (error) {
      if (!stop.aborted) onLost(error);
    }
    if (!stop.aborted) await pause();
  }
  return false;
}
